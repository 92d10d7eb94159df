// State machine of the device: a table of (state, signal) → (state, actions), nothing else.
//
// The machine does nothing by itself: `Device` turns events into signals, runs the actions, and calls `tick`,
// which raises kTimeout when a state has lasted its limit. A pair that is not in the table changes nothing.
// The connection is not a state: it comes and goes in the background of any state. The machine gets a signal
// only where the connection decides what a person can do (CONNECTING, READY, SENDING, WAIT_RESULT, OFFLINE).
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

namespace stetho {

enum class State : std::uint8_t {
    kBoot,
    kProvision,  // an access point waits for settings
    kConnecting,
    kReady,
    kRecording,
    kSending,     // recorded; not everything was sent
    kWaitResult,  // everything was sent
    kResult,
    kError,    // something that a person must know
    kOffline,  // usable: recordings are kept and sent later
    kUpdating,
    kSafeMode,  // the last starts crashed: settings and updates, nothing else
};
inline constexpr int kStates = 12;

enum class Signal : std::uint8_t {
    kConfigured,    // the settings are complete
    kUnconfigured,  // they are missing or damaged
    kSaved,         // new settings were stored
    kOnline,        // connected, and nothing is left to send
    kOnlineUnsent,  // connected, and something is left to send
    kLost,          // no network or no broker
    kPress,         // the button, or the command "record"
    kNoRoom,        // a press while the memory is full of unsent recordings, or the battery is empty
    kLongPress,
    kRecorded,         // the recording is over, and the device is online
    kRecordedOffline,  // the recording is over, and the device is offline
    kSent,             // the broker has everything
    kAnswered,         // a result of one of our recordings arrived
    kEnded,            // the worker has closed the current recording
    kFault,            // the microphone does not work, the worker refuses, …
    kUpdate,           // the command to update
    kUpdateReady,
    kUpdateFailed,
    kRestart,  // the command to restart
    kUnsafe,   // the last starts crashed
    kTimeout,  // the state has lasted its limit
};
inline constexpr int kSignals = 21;

// Set of actions, run in this order.
enum class Action : std::uint8_t {
    kNone = 0,
    kStopRecording = 1,  // the recording ends with the last sample that came
    kClosePortal = 2,
    kOpenPortal = 4,
    kConnect = 8,  // join the network, and keep the connection up from now on
    kStartRecording = 16,
    kSleep = 32,  // switch the display off until something happens
    kRestart = 64,
    kStartUpdate = 128,
};

constexpr Action operator|(Action left, Action right) {
    return static_cast<Action>(static_cast<unsigned>(left) | static_cast<unsigned>(right));
}

constexpr bool has(Action set, Action action) {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(action)) != 0;
}

struct Transition {
    State from;
    Signal signal;
    State to;
    Action actions;
};

// Returns every transition.
std::span<const Transition> transitions();

inline constexpr std::uint32_t kForever = std::numeric_limits<std::uint32_t>::max();

// Returns how long `state` may last before kTimeout, milliseconds. RECORDING has no limit here: `limit` sets
// it.
std::uint32_t time_limit_ms(State state);

std::string_view to_string(State state);
std::string_view to_string(Signal signal);

class StateMachine {
  public:
    explicit StateMachine(std::uint64_t now_ms) { enter(State::kBoot, now_ms); }

    // Processes one signal; returns the actions to run. A transition into the same state restarts its time.
    Action step(Signal signal, std::uint64_t now_ms);

    // Raises kTimeout when the state has lasted its limit; returns the actions to run.
    Action tick(std::uint64_t now_ms);

    // Restarts the time of the state: there was progress.
    void extend(std::uint64_t now_ms) { since_ms_ = now_ms; }

    // Sets another limit for the current state (RECORDING: the length that was asked for), until it is left.
    void limit(std::uint32_t limit_ms) { limit_ms_ = limit_ms; }

    State state() const { return state_; }
    std::uint64_t since_ms() const { return since_ms_; }

  private:
    void enter(State state, std::uint64_t now_ms);

    State state_ = State::kBoot;
    std::uint64_t since_ms_ = 0;
    std::uint32_t limit_ms_ = 0;
};

}  // namespace stetho
