// State changes of the device: raises signals of the state machine and runs its actions.
//
// No function here calls itself over others: an action that fails raises a signal, which `apply_due_signals`
// applies when the actions are done. So the depth of the stack is known.
#include <utility>

#include "core/device/device.h"

namespace stetho {
namespace {

constexpr int kSettleSteps = 4;

}  // namespace

void Device::step(Signal signal) {
    const State before = state();
    run_actions(machine_.step(signal, now_ms_));
    on_state_left(before);
}

// Does what follows from leaving the state `before`, if it was left.
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
        const std::string_view reason = hardware_.system.reset_reason();
        const bool has_crashed = reason == "panic" || reason == "watchdog";
        const Info info{build_info_.firmware,
                        build_info_.hardware,
                        settings_.sample_rate_hz,
                        static_cast<std::uint32_t>(memory_.samples.size_bytes()),
                        keeper_.size_bytes(),
                        battery_.level().has_value(),
                        has_crashed ? hardware_.system.last_crash() : std::string_view(),
                        build_info_.lacks_psram,
                        start_guard_.is_safe_mode()};
        if (is_configured_ && !connection_.begin(settings_, boot_, info)) fail(Problem::kNotStarted);
    }
    if (has(actions, Action::kStartRecording)) start_recording();
    if (has(actions, Action::kSleep)) is_display_on_ = false;
    if (has(actions, Action::kStartUpdate)) start_update();
    if (has(actions, Action::kRestart)) restart();
}

// Applies the signal that was raised, then those that are due in the current state: a few at most, so that no
// table can make it endless.
void Device::apply_due_signals() {
    if (has_restarted_) begin(given_);
    for (int round = 0; round < kSettleSteps; ++round) {
        const auto raised = std::exchange(raised_, std::nullopt);
        const auto signal = raised ? raised : due_signal();
        if (!signal) return;
        const State before = state();
        step(*signal);
        if (state() == before && !raised) return;
    }
}

std::optional<Signal> Device::due_signal() const {
    const bool is_online = connection_.is_online();
    const bool is_unsent = window_.unsent() > 0;
    switch (state()) {
        case State::kConnecting:
        case State::kOffline:
            if (!is_configured_ && state() == State::kConnecting) return Signal::kUnconfigured;
            if (start_guard_.is_safe_mode() && state() == State::kConnecting) return Signal::kUnsafe;
            if (is_online) return is_unsent ? Signal::kOnlineUnsent : Signal::kOnline;
            break;
        case State::kReady:
            if (!is_configured_) return Signal::kUnconfigured;
            if (start_guard_.is_safe_mode()) return Signal::kUnsafe;
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
    if (is_answer_due_) return std::nullopt;  // it leaves first
    if (wants_restart_ && is_idle()) return Signal::kRestart;
    if (!update_url_.empty() && is_idle()) return Signal::kUpdate;
    return std::nullopt;
}

// Returns whether a restart loses nothing: what is not in flash is stored by the worker.
bool Device::is_idle() const { return keeper_.is_all_in_flash(); }

void Device::press() {
    if (test_.item()) return;  // the parts are being tested
    if (state() == State::kSafeMode) return step(Signal::kPress);
    const bool is_battery_empty = battery_.state() == BatteryState::kEmpty;
    const bool can_record = state() == State::kRecording || (!is_battery_empty && find_room());
    if (!can_record) {
        problem_ = is_battery_empty ? Problem::kBatteryEmpty : Problem::kMemoryFull;
        problem_detail_ = is_battery_empty || connection_.is_online() ? "" : "offline";
    }
    step(can_record ? Signal::kPress : Signal::kNoRoom);
}

void Device::fail(Problem problem, std::string_view detail) {
    problem_ = problem;
    problem_detail_ = detail.substr(0, problem_detail_.capacity());
    raised_ = Signal::kFault;
}

// On the device this does not return. In tests it does: then everything starts again, as after a reset.
void Device::restart() {
    connection_.shut_down();
    hardware_.mqtt.settle();
    hardware_.system.restart();
    while (window_.held() > 0) forget_recording(window_.id_at(0));
    wants_restart_ = false;
    pending_results_.clear();
    has_restarted_ = true;
}

}  // namespace stetho
