#include "core/device/device.h"

#include <algorithm>

namespace stetho {
namespace {

constexpr std::uint64_t kTrialMs = 300'000;  // a new firmware that is not online by then is rolled back

}  // namespace

Device::Device(const DeviceMemory& memory, const Hardware& hardware, const BuildInfo& build_info)
    : memory_(memory),
      hardware_(hardware),
      build_info_(build_info),
      start_guard_(hardware.storage),
      buffer_(memory.samples, memory.links),
      window_(memory.chunk_samples, memory.in_flight),
      keeper_(buffer_, window_, pending_results_, hardware.flash),
      recorder_(buffer_, memory.pre_roll),
      publisher_(window_, buffer_, hardware.mqtt, memory.message),
      connection_(hardware.mqtt, hardware.network, hardware.random) {}

void Device::begin(const Settings* given) {
    given_ = given;
    has_restarted_ = is_asleep_ = false;
    now_ms_ = begun_at_ms_ = audio_at_ms_ = hardware_.clock.now_ms();
    machine_ = StateMachine(now_ms_);
    const std::string_view reset_reason = hardware_.system.reset_reason();
    start_guard_.begin(reset_reason);
    if (given != nullptr) settings_ = *given;
    is_configured_ =
        given != nullptr ? !check(settings_) : load_settings(hardware_.storage, settings_, settings_text());
    start_clock();
    boot_ = hardware_.random.next();
    is_on_trial_ = hardware_.ota.is_on_trial();
    if (!start_guard_.is_safe_mode()) keeper_.begin(boot_);
    publisher_.begin(settings_, boot_);
    recorder_.begin(settings_);
    if (!start_guard_.is_safe_mode() && !hardware_.audio.start(capture_rate_hz(settings_.sample_rate_hz)))
        microphone_ = MicrophoneState::kSilent;
    battery_at_ms_ = 0;
    measure_battery();
    update_display();
    const bool may_call = is_configured_ && !start_guard_.is_broker_left_out();
    const Signal usual = start_guard_.is_safe_mode() ? Signal::kUnsafe : Signal::kConfigured;
    step(may_call ? usual : Signal::kUnconfigured);
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
            update_sleep();  // at the press, which lasts longer than the microphone needs
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
            connection_.connected(now_ms_);
            break;
        case EventKind::kMqttSubscribed:
            on_subscribed(event.is_granted);
            break;
        case EventKind::kMqttDisconnected:
            connection_.disconnected(event.loss, now_ms_);
            on_connection_lost();
            break;
        case EventKind::kMqttPuback:
            if (window_.acknowledged(event.token, now_ms_) && state() == State::kSending)
                machine_.extend(now_ms_);
            break;
        case EventKind::kMqttMessage:
            // A command is for now: a retained one would run again at every connect.
            if (event.is_retained && topic_of(event.topic, settings_.device_id) == Topic::kCommand) break;
            on_message(event.topic, event.payload);
            break;
        case EventKind::kClockSet:
            set_capture_times();
            store_time();
            break;
        case EventKind::kOta:
            on_ota(event.step, event.percent);
            break;
        case EventKind::kDisplay:
            is_display_there_ = event.is_there;
            telemetry_at_ms_ = 0;  // told at once
            break;
        case EventKind::kTest:
            on_test({reinterpret_cast<const char*>(event.payload.data()), event.payload.size()});
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
    if (!connection_.tick(now_ms_)) on_connection_lost();
    const State before = state();
    run_actions(machine_.tick(now_ms_));
    on_state_left(before);
    if (before == State::kSending && state() == State::kOffline) {
        connection_.drop(hal::ConnectionLoss::kUnreachable,
                         now_ms_);  // the broker was there and accepted nothing
        on_connection_lost();
    }
    if (before == State::kUpdating && state() == State::kError) problem_ = Problem::kUpdateFailed;
    if (is_on_trial_ && now_ms_ - begun_at_ms_ > kTrialMs && is_idle()) hardware_.ota.roll_back();
    check_microphone();
    measure_battery();
    if (!start_guard_.is_safe_mode()) keeper_.tick(now_ms_, connection_.is_online());
    start_guard_.tick(now_ms_ - begun_at_ms_,
                      connection_.is_online() ? now_ms_ - connection_.online_since_ms() : 0);
    tick_test();
    apply_due_signals();
    update_sleep();
    publish_answer();
    connection_.ask_again(is_waiting(), now_ms_);
    if (connection_.is_online()) {
        publish_chunks();
        publish_telemetry();
    }
    apply_due_signals();
    update_display();
}

void Device::on_subscribed(bool is_granted) {
    const bool was_online = connection_.is_online();
    connection_.subscribed(is_granted, now_ms_);
    if (was_online && !connection_.is_online()) on_connection_lost();
    if (connection_.is_online() && is_on_trial_ && !start_guard_.is_safe_mode()) {
        hardware_.ota.confirm();
        is_on_trial_ = false;
    }
}

void Device::on_connection_lost() {
    ready_workers_.clear();
    window_.on_connection_lost();
}

// Returns whether the device waits for a worker, or for the result of a recording that is over.
bool Device::is_waiting() const {
    return !ready_workers_.any_ready() || pending_results_.count() > (recorder_.is_recording() ? 1 : 0);
}

void Device::measure_battery() {
    if (now_ms_ < battery_at_ms_) return;
    battery_at_ms_ = now_ms_ + BatteryGauge::kEveryMs;
    battery_.update(hardware_.battery.read());
}

void Device::on_button(ButtonPress kind) {
    if (kind == ButtonPress::kNone) return;
    is_display_on_ = true;
    if (on_test_press(kind)) return;
    if (kind == ButtonPress::kLong)
        step(Signal::kLongPress);
    else
        press();
}

}  // namespace stetho
