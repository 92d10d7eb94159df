#include "core/device/device.h"

#include <algorithm>

namespace stetho {
namespace {

constexpr std::uint64_t kTrialMs = 300'000;  // a new firmware that is not online by then is taken back
constexpr int kSettleSteps = 4;

// Four syllables and four digits, about 38 bits: read off a small screen, typed once, worthless in ten
// minutes.
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

void Device::PendingResults::add(std::uint64_t recording_id) {
    if (count_ == ids_.size()) {
        std::copy(ids_.begin() + 1, ids_.end(), ids_.begin());
        --count_;
    }
    ids_[count_++] = recording_id;
}

bool Device::PendingResults::remove(std::uint64_t recording_id) {
    const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto found = std::find(ids_.begin(), end, recording_id);
    if (found == end) return false;
    std::copy(found + 1, end, found);
    --count_;
    return true;
}

Device::Device(const DeviceMemory& memory, const Hardware& hardware, const BuildInfo& build_info)
    : memory_(memory),
      hardware_(hardware),
      build_info_(build_info),
      buffer_(memory.samples, memory.links),
      window_(memory.chunk_samples, memory.in_flight),
      recorder_(buffer_, memory.pre_roll),
      publisher_(window_, buffer_, hardware.mqtt, memory.message),
      connection_(hardware.mqtt, hardware.network, hardware.random) {}

void Device::begin(const std::optional<Settings>& given) {
    given_ = given;
    now_ms_ = begun_at_ms_ = audio_at_ms_ = hardware_.clock.now_ms();
    machine_ = StateMachine(now_ms_);
    const auto settings = given ? given : load_settings(hardware_.storage);
    is_configured_ = settings && !check(*settings);
    settings_ = settings.value_or(Settings{});
    boot_ = hardware_.random.next();
    is_on_trial_ = hardware_.ota.is_on_trial();
    publisher_.begin(settings_, boot_);
    recorder_.begin(settings_);
    if (!hardware_.audio.start(capture_rate_hz(settings_.sample_rate_hz)))
        microphone_ = MicrophoneState::kSilent;
    update_display();
    step(is_configured_ ? Signal::kConfigured : Signal::kUnconfigured);
}

void Device::end() {
    stop_recording();
    hardware_.audio.stop();
    connection_.shut_down();
}

void Device::on(const Event& event) {
    now_ms_ = std::max(now_ms_, hardware_.clock.now_ms());
    switch (event.kind) {
        case EventKind::kButton:
            is_button_down_ = event.is_down;
            on_button(debouncer_.update(is_button_down_, now_ms_));
            break;
        case EventKind::kAudio:
            on_audio(event);
            break;
        case EventKind::kNetworkUp:
        case EventKind::kNetworkDown:
            break;  // the next tick asks the network itself
        case EventKind::kMqttConnected:
            ready_workers_.clear();
            if (connection_.connected(now_ms_) && is_on_trial_) {
                hardware_.ota.confirm();
                is_on_trial_ = false;
            }
            break;
        case EventKind::kMqttDisconnected:
            connection_.disconnected(event.loss, now_ms_);
            ready_workers_.clear();
            window_.on_connection_lost();
            break;
        case EventKind::kMqttPuback:
            if (window_.acknowledged(event.token, now_ms_) && state() == State::kSending)
                machine_.extend(now_ms_);
            break;
        case EventKind::kMqttMessage:
            // A command is for now: one that the broker had kept would come back at every connect.
            if (event.is_retained && topic_of(event.topic, settings_.device_id) == Topic::kCommand) break;
            on_message(event.topic, event.payload);
            break;
        case EventKind::kClockSet:
            set_capture_times();
            break;
        case EventKind::kOta:
            on_ota(event.step, event.percent);
            break;
        case EventKind::kProvisioned:
            on_form(event.payload);
            break;
    }
    apply_due_signals();
}

void Device::tick() {
    now_ms_ = std::max(now_ms_, hardware_.clock.now_ms());
    on_button(debouncer_.update(is_button_down_, now_ms_));
    if (!connection_.tick(now_ms_)) {
        ready_workers_.clear();
        window_.on_connection_lost();
    }
    const State before = state();
    run_actions(machine_.tick(now_ms_));
    on_state_left(before);
    if (before == State::kSending && state() == State::kOffline) {
        connection_.drop(now_ms_);  // the broker was there and took nothing
        window_.on_connection_lost();
    }
    if (before == State::kUpdating && state() == State::kError) problem_ = Problem::kUpdateFailed;
    if (is_on_trial_ && now_ms_ - begun_at_ms_ > kTrialMs && window_.held() == 0) hardware_.ota.roll_back();
    check_microphone();
    apply_due_signals();
    if (connection_.is_online()) {
        publish_chunks();
        publish_telemetry();
    }
    apply_due_signals();
    update_display();
}

void Device::step(Signal signal) {
    const State before = state();
    run_actions(machine_.step(signal, now_ms_));
    on_state_left(before);
}

// What follows from having left `before`, if it was left.
void Device::on_state_left(State before) {
    if (state() == before) return;
    is_stale_ = is_display_on_ = true;
    if (state() == State::kResult) is_result_seen_ = true;
    if (before == State::kError) problem_ = Problem::kNone;
    const bool was_read = before == State::kResult && state() == State::kReady;
    if (was_read && settings_.restart_after_sending) wants_restart_ = true;
}

void Device::run_actions(Action actions) {
    if (has(actions, Action::kStopRecording)) stop_recording();
    if (has(actions, Action::kClosePortal)) hardware_.network.stop();
    if (has(actions, Action::kOpenPortal)) open_portal();
    if (has(actions, Action::kConnect)) {
        const Info info{build_info_.firmware, build_info_.hardware, settings_.sample_rate_hz,
                        static_cast<std::uint32_t>(memory_.samples.size_bytes())};
        if (is_configured_ && !connection_.begin(settings_, boot_, info)) fail(Problem::kNotStarted);
    }
    if (has(actions, Action::kStartRecording)) start_recording();
    if (has(actions, Action::kSleep)) is_display_on_ = false;
    if (has(actions, Action::kStartUpdate)) start_update();
    if (has(actions, Action::kRestart)) restart();
}

// What is true now may make the state another one; a few steps at most, so that no table can make it endless.
void Device::apply_due_signals() {
    for (int round = 0; round < kSettleSteps; ++round) {
        const auto signal = due_signal();
        if (!signal) return;
        const State before = state();
        step(*signal);
        if (state() == before) return;
    }
}

std::optional<Signal> Device::due_signal() const {
    const bool is_online = connection_.is_online();
    const bool is_unsent = window_.unsent() > 0;
    const bool is_idle = window_.held() == 0 && !recorder_.is_recording();
    switch (state()) {
        case State::kConnecting:
        case State::kOffline:
            if (!is_configured_ && state() == State::kConnecting) return Signal::kUnconfigured;
            if (is_online) return is_unsent ? Signal::kOnlineUnsent : Signal::kOnline;
            break;
        case State::kReady:
            if (!is_configured_) return Signal::kUnconfigured;
            if (!is_online) return Signal::kLost;
            if (is_unsent) return Signal::kOnlineUnsent;
            if (!is_result_seen_) return Signal::kAnswered;
            break;
        case State::kRecording:
            if (!recorder_.is_recording()) return is_online ? Signal::kRecorded : Signal::kRecordedOffline;
            break;
        case State::kSending:
            if (!is_online) return Signal::kLost;
            if (!is_unsent) return Signal::kSent;
            break;
        case State::kWaitResult:
            if (!is_result_seen_) return Signal::kAnswered;
            if (!is_online) return Signal::kLost;
            if (is_unsent) return Signal::kOnlineUnsent;
            if (pending_results_.empty()) return Signal::kEnded;
            break;
        default:
            break;
    }
    if (wants_restart_ && is_idle) return Signal::kRestart;
    if (!update_url_.empty() && is_idle) return Signal::kUpdate;
    return std::nullopt;
}

void Device::on_button(ButtonPress kind) {
    if (kind == ButtonPress::kNone) return;
    is_display_on_ = true;
    if (kind == ButtonPress::kLong)
        step(Signal::kLongPress);
    else
        press();
}

void Device::press() {
    const bool can_record = state() == State::kRecording || has_room();
    if (!can_record) {
        problem_ = Problem::kMemoryFull;
        problem_detail_ = connection_.is_online() ? "" : "offline";
    }
    step(can_record ? Signal::kPress : Signal::kNoRoom);
}

void Device::fail(Problem problem, std::string_view detail) {
    problem_ = problem;
    problem_detail_ = detail.substr(0, problem_detail_.capacity());
    step(Signal::kFault);
}

void Device::on_form(Bytes form) {
    Settings wanted = settings_;
    const auto fault = read_form({reinterpret_cast<const char*>(form.data()), form.size()}, wanted);
    portal_refused_ = fault ? (fault->key.empty() ? fault->rule : fault->key) : std::string_view();
    is_stale_ = true;
    if (fault) {
        if (state() != State::kProvision) fail(Problem::kBadForm, portal_refused_);
        return;
    }
    if (!save_settings(wanted, hardware_.storage)) return fail(Problem::kNotSaved);
    if (window_.held() == 0 && state() == State::kProvision) return step(Signal::kSaved);
    // What is kept leaves first, over the new network; what decides how sound is taken changes at the
    // restart.
    wants_restart_ = true;
    if (state() != State::kProvision) return;
    wanted.sample_rate_hz = settings_.sample_rate_hz;
    wanted.mode = settings_.mode;
    settings_ = wanted;
    is_configured_ = true;
    step(Signal::kConfigured);
}

void Device::on_ota(hal::OtaStep ota_step, std::uint8_t percent) {
    if (state() != State::kUpdating) return;
    update_percent_ = std::min<std::uint8_t>(percent, 100);
    is_stale_ = true;
    if (ota_step == hal::OtaStep::kFetching) return machine_.extend(now_ms_);
    if (ota_step == hal::OtaStep::kReady) return step(Signal::kUpdateReady);
    problem_ = Problem::kUpdateFailed;
    step(Signal::kUpdateFailed);
}

// On the device this does not return. On a host it does: then everything begins anew, as after a reset.
void Device::restart() {
    connection_.shut_down();
    hardware_.system.restart();
    while (window_.held() > 0) erase_recording(window_.id_at(0));
    wants_restart_ = false;
    pending_results_.clear();
    begin(given_);
}

void Device::open_portal() {
    connection_.stop();
    window_.on_connection_lost();
    ready_workers_.clear();
    portal_refused_ = {};
    portal_ssid_ = "stetho-";
    portal_ssid_.append(settings_.device_id.empty() ? std::string_view("new") : settings_.device_id.view());
    portal_password_ = random_password(hardware_.random);
    if (!hardware_.network.open_access_point(portal_ssid_, portal_password_)) fail(Problem::kNotStarted);
}

void Device::start_update() {
    update_percent_ = 0;
    const bool is_begun = hardware_.ota.start(update_url_, settings_.ca);
    update_url_.clear();
    if (is_begun) return;
    problem_ = Problem::kUpdateFailed;
    step(Signal::kUpdateFailed);
}

}  // namespace stetho
