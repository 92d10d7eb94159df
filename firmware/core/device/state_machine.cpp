#include "core/device/state_machine.h"

#include <array>

namespace stetho {
namespace {

using enum Action;
using S = State;
using E = Signal;

constexpr auto kTransitions = std::to_array<Transition>({
    {S::kBoot, E::kConfigured, S::kConnecting, kConnect},
    {S::kBoot, E::kUnconfigured, S::kProvision, kOpenPortal},
    {S::kBoot, E::kUnsafe, S::kSafeMode, kConnect},
    {S::kBoot, E::kTimeout, S::kBoot, kRestart},

    {S::kProvision, E::kSaved, S::kBoot, kRestart},
    {S::kProvision, E::kConfigured, S::kConnecting, kClosePortal | kConnect},  // nothing unsent is lost
    {S::kProvision, E::kLongPress, S::kConnecting, kClosePortal | kConnect},
    {S::kProvision, E::kTimeout, S::kConnecting, kClosePortal | kConnect},
    {S::kProvision, E::kFault, S::kError, kClosePortal},

    {S::kConnecting, E::kUnconfigured, S::kProvision, kOpenPortal},
    {S::kConnecting, E::kUnsafe, S::kSafeMode, kNone},  // back from the settings
    {S::kConnecting, E::kOnline, S::kReady, kNone},
    {S::kConnecting, E::kOnlineUnsent, S::kSending, kNone},
    {S::kConnecting, E::kTimeout, S::kOffline, kNone},
    {S::kConnecting, E::kPress, S::kRecording, kStartRecording},
    {S::kConnecting, E::kNoRoom, S::kError, kNone},
    {S::kConnecting, E::kLongPress, S::kProvision, kOpenPortal},
    {S::kConnecting, E::kFault, S::kError, kNone},
    {S::kConnecting, E::kRestart, S::kBoot, kRestart},

    {S::kReady, E::kUnconfigured, S::kProvision, kOpenPortal},
    {S::kReady, E::kUnsafe, S::kSafeMode, kNone},  // the update has failed
    {S::kReady, E::kOnlineUnsent, S::kSending, kNone},
    {S::kReady, E::kLost, S::kOffline, kNone},
    {S::kReady, E::kPress, S::kRecording, kStartRecording},
    {S::kReady, E::kNoRoom, S::kError, kNone},
    {S::kReady, E::kLongPress, S::kProvision, kOpenPortal},
    {S::kReady, E::kAnswered, S::kResult, kNone},  // a late result
    {S::kReady, E::kFault, S::kError, kNone},
    {S::kReady, E::kUpdate, S::kUpdating, kStartUpdate},
    {S::kReady, E::kRestart, S::kBoot, kRestart},
    {S::kReady, E::kTimeout, S::kReady, kSleep},

    {S::kRecording, E::kPress, S::kRecording, kStopRecording},
    {S::kRecording, E::kTimeout, S::kRecording, kStopRecording},
    {S::kRecording, E::kRecorded, S::kSending, kNone},
    {S::kRecording, E::kRecordedOffline, S::kOffline, kNone},
    {S::kRecording, E::kEnded, S::kReady, kStopRecording},
    {S::kRecording, E::kFault, S::kError, kStopRecording},

    {S::kSending, E::kSent, S::kWaitResult, kNone},
    {S::kSending, E::kAnswered, S::kResult, kNone},
    {S::kSending, E::kEnded, S::kReady, kNone},
    {S::kSending, E::kLost, S::kOffline, kNone},
    {S::kSending, E::kTimeout, S::kOffline, kNone},  // the broker is there and accepts nothing
    {S::kSending, E::kPress, S::kRecording, kStartRecording},
    {S::kSending, E::kNoRoom, S::kError, kNone},
    {S::kSending, E::kLongPress, S::kProvision, kOpenPortal},
    {S::kSending, E::kFault, S::kError, kNone},

    {S::kWaitResult, E::kAnswered, S::kResult, kNone},
    {S::kWaitResult, E::kOnlineUnsent, S::kSending, kNone},  // the worker requests something again
    {S::kWaitResult, E::kEnded, S::kReady, kNone},
    {S::kWaitResult, E::kLost, S::kOffline, kNone},
    {S::kWaitResult, E::kTimeout, S::kReady, kNone},
    {S::kWaitResult, E::kPress, S::kRecording, kStartRecording},
    {S::kWaitResult, E::kNoRoom, S::kError, kNone},
    {S::kWaitResult, E::kLongPress, S::kProvision, kOpenPortal},
    {S::kWaitResult, E::kFault, S::kError, kNone},
    {S::kWaitResult, E::kRestart, S::kBoot, kRestart},

    {S::kResult, E::kAnswered, S::kResult, kNone},  // of the previous recording, or of another model
    {S::kResult, E::kPress, S::kRecording, kStartRecording},
    {S::kResult, E::kNoRoom, S::kError, kNone},
    {S::kResult, E::kLongPress, S::kProvision, kOpenPortal},
    {S::kResult, E::kUpdate, S::kUpdating, kStartUpdate},
    {S::kResult, E::kRestart, S::kBoot, kRestart},
    {S::kResult, E::kTimeout, S::kReady, kNone},

    {S::kError, E::kFault, S::kError, kNone},
    {S::kError, E::kPress, S::kReady, kNone},  // the message was read
    {S::kError, E::kNoRoom, S::kReady, kNone},
    {S::kError, E::kLongPress, S::kProvision, kOpenPortal},
    {S::kError, E::kRestart, S::kBoot, kRestart},
    {S::kError, E::kTimeout, S::kReady, kNone},

    {S::kOffline, E::kOnline, S::kReady, kNone},
    {S::kOffline, E::kOnlineUnsent, S::kSending, kNone},
    {S::kOffline, E::kPress, S::kRecording, kStartRecording},
    {S::kOffline, E::kNoRoom, S::kError, kNone},
    {S::kOffline, E::kLongPress, S::kProvision, kOpenPortal},
    {S::kOffline, E::kFault, S::kError, kNone},
    {S::kOffline, E::kRestart, S::kBoot, kRestart},
    {S::kOffline, E::kTimeout, S::kOffline, kSleep},

    {S::kUpdating, E::kUpdateReady, S::kBoot, kRestart},
    {S::kUpdating, E::kUpdateFailed, S::kError, kNone},
    {S::kUpdating, E::kTimeout, S::kError, kNone},

    {S::kSafeMode, E::kUnconfigured, S::kProvision, kOpenPortal},
    {S::kSafeMode, E::kPress, S::kBoot, kRestart},  // a person tries again
    {S::kSafeMode, E::kLongPress, S::kProvision, kOpenPortal},
    {S::kSafeMode, E::kFault, S::kError, kNone},
    {S::kSafeMode, E::kUpdate, S::kUpdating, kStartUpdate},
    {S::kSafeMode, E::kRestart, S::kBoot, kRestart},
    {S::kSafeMode, E::kTimeout, S::kBoot, kRestart},  // nobody comes: what was wrong may be over
});

}  // namespace

std::span<const Transition> transitions() { return kTransitions; }

std::uint32_t time_limit_ms(State state) {
    switch (state) {
        case S::kBoot:
            return 10'000;
        case S::kProvision:
            return 600'000;
        case S::kConnecting:
            return 20'000;
        case S::kReady:
            return 300'000;  // then the panel is switched off: OLEDs burn in
        case S::kRecording:
            return kForever;
        case S::kSending:
            return 60'000;  // without progress
        case S::kWaitResult:
            return 30'000;
        case S::kResult:
            return 60'000;
        case S::kError:
            return 15'000;
        case S::kOffline:
            return 300'000;
        case S::kUpdating:
        case S::kSafeMode:
            return 600'000;
    }
    return kForever;
}

std::string_view to_string(State state) {
    constexpr std::array<std::string_view, kStates> kNames{"BOOT",      "PROVISION", "CONNECTING",  "READY",
                                                           "RECORDING", "SENDING",   "WAIT_RESULT", "RESULT",
                                                           "ERROR",     "OFFLINE",   "UPDATING",    "SAFE_MODE"};
    return kNames[static_cast<std::size_t>(state)];
}

std::string_view to_string(Signal signal) {
    constexpr std::array<std::string_view, kSignals> kNames{
        "configured", "unconfigured", "saved",      "online",   "online-unsent",    "lost",
        "press",      "no-room",      "long-press", "recorded", "recorded-offline", "sent",
        "answered",   "ended",        "fault",      "update",   "update-ready",     "update-failed",
        "restart",    "unsafe",     "timeout"};
    return kNames[static_cast<std::size_t>(signal)];
}

Action StateMachine::step(Signal signal, std::uint64_t now_ms) {
    for (const Transition& row : kTransitions) {
        if (row.from != state_ || row.signal != signal) continue;
        enter(row.to, now_ms);
        return row.actions;
    }
    return kNone;
}

Action StateMachine::tick(std::uint64_t now_ms) {
    if (limit_ms_ == kForever || now_ms < since_ms_ || now_ms - since_ms_ < limit_ms_) return kNone;
    return step(Signal::kTimeout, now_ms);
}

void StateMachine::enter(State state, std::uint64_t now_ms) {
    state_ = state;
    since_ms_ = now_ms;
    limit_ms_ = time_limit_ms(state);
}

}  // namespace stetho
