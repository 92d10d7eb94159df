// Factory test of the device: the check of each part.
#include <algorithm>

#include "core/device/device.h"

namespace stetho {
namespace {

constexpr std::uint64_t kListenMs = 2'500;   // to the microphone: several of its windows of half a second
constexpr std::uint64_t kPressMs = 30'000;   // for a person to look, and to press
constexpr std::uint64_t kNetworkMs = 20'000; // to join, or to hear one
constexpr std::uint64_t kVerdictMs = 30'000; // how long the display shows it
constexpr std::string_view kStorageKey = "selftest";
constexpr std::size_t kStoredBytes = 64;

using Detail = FactoryTest::Detail;

// Returns a text of letters that differs with `seed`.
FixedString<kStoredBytes> pattern(std::uint32_t seed) {
    FixedString<kStoredBytes> text;
    while (text.size() < kStoredBytes) {
        seed = seed * 1'664'525U + 1'013'904'223U;
        text.append(static_cast<char>('A' + (seed >> 24U) % 26));
    }
    return text;
}

// Fills memory with one pattern and its complement; returns whether all of it is read back.
bool keeps_bits(std::span<std::uint8_t> memory) {
    for (const unsigned flip : {0x00U, 0xFFU}) {
        for (std::size_t at = 0; at < memory.size(); ++at)
            memory[at] = static_cast<std::uint8_t>((at * 151 ^ at >> 8U) ^ flip);
        for (std::size_t at = 0; at < memory.size(); ++at) {
            if (memory[at] != static_cast<std::uint8_t>((at * 151 ^ at >> 8U) ^ flip)) return false;
        }
    }
    return true;
}

std::string_view remedy_of(MicrophoneState microphone) {
    switch (microphone) {
        case MicrophoneState::kSilent:
            return "silent: check SD, SCK, WS and power";
        case MicrophoneState::kStuck:
            return "stuck: check SD for a short to power";
        case MicrophoneState::kLoose:
            return "loose: check the wire of SD";
        default:
            return "too loud: lower the gain, or be silent";
    }
}

}  // namespace

// Starts the test that a line asks for, unless the device has something better to do.
void Device::on_test(std::string_view words) {
    if (recorder_.is_recording() || state() == State::kUpdating)
        return test_.refuse("busy: wait until the recording or the update is over");
    test_press_ = ButtonPress::kNone;
    test_level_ = {};
    is_test_listening_ = false;
    is_display_on_ = true;
    is_test_shown_ = test_.begin(words, now_ms_);
    is_stale_ = true;
}

// Returns whether the press was for the test.
bool Device::on_test_press(ButtonPress kind) {
    if (!is_test_shown_) return false;
    if (test_.item())
        test_press_ = kind;
    else
        is_test_shown_ = false;  // the verdict was read
    is_stale_ = true;
    return true;
}

void Device::tick_test() {
    const auto item = test_.item();
    if (!item) {
        if (is_test_shown_ && now_ms_ - test_.since_ms() > kVerdictMs) is_test_shown_ = false;
        return;
    }
    switch (*item) {
        case TestItem::kBoard:
            return test_board();
        case TestItem::kMicrophone:
            return test_microphone();
        case TestItem::kDisplay:
            return test_display();
        case TestItem::kButton:
            return test_button();
        case TestItem::kNetwork:
            return test_network();
        case TestItem::kFlash:
            return test_flash();
        case TestItem::kPsram:
            return test_psram();
        case TestItem::kBattery:
            return test_battery();
    }
}

void Device::finish_test(TestVerdict verdict, std::string_view detail) {
    test_.finish_item(verdict, detail, now_ms_);
    is_stale_ = true;
}

void Device::test_board() {
    const std::string_view id = hardware_.system.board_id();
    Detail detail(id);
    detail.append(", ").append(build_info_.firmware).append(", ").append(build_info_.hardware);
    finish_test(TestVerdict::kOk, detail);
}

void Device::test_microphone() {
    const std::uint64_t listened_ms = now_ms_ - test_.since_ms();
    const std::uint16_t rms = recorder_.level().rms;
    if (listened_ms > kListenMs / 2) {  // by then every window is of after the beginning
        test_level_.loudest = std::max(test_level_.loudest, rms);
        test_level_.quietest = std::min(test_level_.quietest, rms);
    }
    if (listened_ms < kListenMs) return;
    if (now_ms_ - audio_at_ms_ > kListenMs / 2)
        return finish_test(TestVerdict::kFail, "no sound arrives: check WS and SCK");
    if (microphone_ != MicrophoneState::kOk) return finish_test(TestVerdict::kFail, remedy_of(microphone_));
    finish_test(TestVerdict::kOk, Detail("level ")
                                      .append_number(test_level_.loudest)
                                      .append(", floor ")
                                      .append_number(test_level_.quietest));
}

void Device::test_display() {
    if (is_display_there_ == false)
        return finish_test(TestVerdict::kFail, "does not answer: check SDA, SCL, power and its address");
    if (test_press_ != ButtonPress::kNone) return finish_test(TestVerdict::kOk, "the pattern was seen");
    if (now_ms_ - test_.since_ms() > kPressMs)
        finish_test(TestVerdict::kFail, "no press within 30 s: the pattern was not seen");
}

// The press that answered for the display counts.
void Device::test_button() {
    if (test_press_ == ButtonPress::kShort) return finish_test(TestVerdict::kOk, "pressed and released");
    if (test_press_ == ButtonPress::kLong)
        return finish_test(TestVerdict::kFail, "held for 3 s: check it for a short to ground");
    if (now_ms_ - test_.since_ms() > kPressMs)
        finish_test(TestVerdict::kFail, "no press within 30 s: check its wires");
}

void Device::test_network() {
    if (state() == State::kProvision) return test_radio();
    const std::uint64_t waited_ms = now_ms_ - test_.since_ms();
    if (connection_.is_network_up()) {
        Detail detail(settings_.wifi_ssid.empty() ? "connected" : settings_.wifi_ssid.view());
        const std::optional<std::int8_t> rssi = hardware_.network.rssi_dbm();
        if (rssi) detail.append(", ").append_number(*rssi).append(" dBm");
        return finish_test(TestVerdict::kOk, detail);
    }
    if (waited_ms > kNetworkMs)
        finish_test(TestVerdict::kFail, "not joined within 20 s: check antenna, name and password");
}

// Without settings there is no network to join: the radio has its access point, and must hear others.
void Device::test_radio() {
    if (!hardware_.network.has_access_point()) return finish_test(TestVerdict::kNone, "");
    if (!is_test_listening_) hardware_.network.listen();
    is_test_listening_ = true;
    const auto heard = hardware_.network.heard();
    if (heard && heard->count > 0)
        return finish_test(TestVerdict::kOk, Detail("access point ")
                                                 .append(portal_ssid_)
                                                 .append(", hears ")
                                                 .append_number(heard->count)
                                                 .append(", the best ")
                                                 .append_number(heard->strongest_dbm)
                                                 .append(" dBm"));
    if (heard || now_ms_ - test_.since_ms() > kNetworkMs)
        finish_test(TestVerdict::kFail, "hears no access point: check the antenna");
}

// The settings' part, then a sector of the recordings' part.
void Device::test_flash() {
    const std::uint32_t seed = hardware_.random.next();
    const auto wanted = pattern(seed);
    std::array<char, kStoredBytes> found{};
    if (!hardware_.storage.put(kStorageKey, wanted))
        return finish_test(TestVerdict::kFail, "takes nothing: it is full or worn out");
    const auto length = hardware_.storage.get(kStorageKey, found);
    if (!length || std::string_view(found.data(), *length) != wanted.view())
        return finish_test(TestVerdict::kFail, "reads back what was not written");
    const std::uint32_t size = keeper_.size_bytes();
    if (size == 0) return finish_test(TestVerdict::kOk, "written and read, no part for recordings");
    const auto holds = keeper_.check_flash();
    if (holds == false)
        return finish_test(TestVerdict::kFail, "a sector for recordings does not hold what is written");
    finish_test(TestVerdict::kOk, Detail("written and read, ")
                                      .append_number(size / 1'024)
                                      .append(holds ? " KiB for recordings" : " KiB, full of recordings"));
}

// Tests the memory of one chunk, whose contents are used only while it is sent; where there is PSRAM, it lies
// there.
void Device::test_psram() {
    if (build_info_.lacks_psram)
        return finish_test(TestVerdict::kFail, "does not answer: octal modules need CONFIG_SPIRAM_MODE_OCT=y");
    if (build_info_.psram_bytes == 0) return finish_test(TestVerdict::kNone, "");
    if (!keeps_bits(memory_.message)) return finish_test(TestVerdict::kFail, "loses bits");
    finish_test(TestVerdict::kOk, Detail().append_number(build_info_.psram_bytes / 1'024).append(" KiB"));
}

void Device::test_battery() {
    const auto level = battery_.level();
    if (!level) return finish_test(TestVerdict::kNone, "");
    finish_test(TestVerdict::kOk, Detail()
                                      .append_number(level->millivolts)
                                      .append(" mV, ")
                                      .append_number(level->percent)
                                      .append(level->charging == hal::Charging::kYes ? " %, charging" : " %"));
}

}  // namespace stetho
