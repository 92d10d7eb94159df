// Provisioning of the device: the access point and the form with new settings.
#include "core/device/device.h"

namespace stetho {
namespace {

// Returns a password of four syllables and four digits, about 38 bits: read off a small screen, typed once,
// worthless after ten minutes.
FixedString<16> random_password(hal::Random& random) {
    constexpr std::string_view kConsonants = "bdfgklmnprstvz";
    constexpr std::string_view kVowels = "aeiou";
    FixedString<16> text;
    for (int syllable = 0; syllable < 4; ++syllable) {
        if (syllable == 2) text.append('-');
        text.append(kConsonants[random.next() % kConsonants.size()]);
        text.append(kVowels[random.next() % kVowels.size()]);
    }
    text.append('-');
    for (int digit = 0; digit < 4; ++digit) text.append(static_cast<char>('0' + random.next() % 10));
    return text;
}

}  // namespace

void Device::on_form(Bytes form) {
    const std::string_view text(reinterpret_cast<const char*>(form.data()), form.size());
    wanted_ = settings_;
    const auto fault = read_form(text, wanted_, settings_text());
    portal_refused_ = fault ? (fault->key.empty() ? fault->rule : fault->key) : std::string_view();
    is_stale_ = true;
    if (fault) return refuse_form(Problem::kBadForm, portal_refused_);
    if (!save_settings(wanted_, hardware_.storage, settings_text()))
        return refuse_form(Problem::kNotSaved, "flash is full or worn out");
    if (is_idle() && state() == State::kProvision) return step(Signal::kSaved);
    // Recordings that are kept are sent first, over the new network; settings of the audio change at the
    // restart.
    wants_restart_ = true;
    if (state() != State::kProvision) return;
    wanted_.sample_rate_hz = settings_.sample_rate_hz;
    wanted_.mode = settings_.mode;
    settings_ = wanted_;
    is_configured_ = true;
    step(Signal::kConfigured);
}

// Says that a form is not taken: on the console, and on the display unless a recording goes on, which matters more.
void Device::refuse_form(Problem problem, std::string_view why) {
    test_.refuse(FactoryTest::Detail("settings not taken: ").append(why));
    const bool is_form_shown = state() == State::kProvision && problem == Problem::kBadForm;
    if (state() != State::kRecording && !is_form_shown) fail(problem, problem == Problem::kBadForm ? why : "");
}

// The memory of a chunk, which is free between two messages.
SettingsText Device::settings_text() const {
    const auto text = memory_.message.first(hal::kMaxValueBytes);
    return {reinterpret_cast<char*>(text.data()), text.size()};
}

bool Device::open_access_point() {
    portal_password_ = random_password(hardware_.random);
    return hardware_.network.open_access_point({portal_ssid_, portal_password_, settings_.wifi_ssid,
                                                settings_.host, settings_.port, settings_.device_id});
}

void Device::open_portal() {
    connection_.stop();
    window_.on_connection_lost();
    ready_workers_.clear();
    portal_refused_ = {};
    portal_ssid_ = "stetho-";
    portal_ssid_.append(settings_.device_id.empty() ? std::string_view("new") : settings_.device_id.view());
    if (!hardware_.network.has_access_point()) return;  // the screen says where to type
    // The noise of the radio makes the chip's random numbers true ones, so it runs first.
    const bool is_open = hardware_.network.start_radio() && open_access_point();
    if (!is_open) fail(Problem::kNotStarted);
}

}  // namespace stetho
