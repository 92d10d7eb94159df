#include "core/device/state_machine.h"

#include <doctest/doctest.h>

#include <array>
#include <deque>
#include <map>
#include <vector>

using namespace stetho;
using enum Action;
using S = State;
using E = Signal;

namespace {

// Expected transitions, written by signal; the table under test is written by state. A pair that is not here
// does nothing.
struct Wanted {
    Signal signal;
    std::vector<State> from;
    State to;
    Action actions;
};

const std::vector<Wanted>& wanted() {
    static const std::vector<Wanted> kWanted{
        {E::kConfigured, {S::kBoot}, S::kConnecting, kConnect},
        {E::kConfigured, {S::kProvision}, S::kConnecting, kClosePortal | kConnect},
        {E::kUnconfigured, {S::kBoot, S::kConnecting, S::kReady, S::kSafeMode}, S::kProvision, kOpenPortal},
        {E::kUnsafe, {S::kBoot}, S::kSafeMode, kConnect},
        {E::kUnsafe, {S::kConnecting, S::kReady}, S::kSafeMode, kNone},
        {E::kPress, {S::kSafeMode}, S::kBoot, kRestart},
        {E::kSaved, {S::kProvision}, S::kBoot, kRestart},
        {E::kOnline, {S::kConnecting, S::kOffline}, S::kReady, kNone},
        {E::kOnlineUnsent, {S::kConnecting, S::kOffline, S::kReady, S::kWaitResult}, S::kSending, kNone},
        {E::kLost, {S::kReady, S::kSending, S::kWaitResult}, S::kOffline, kNone},
        {E::kPress,
         {S::kConnecting, S::kReady, S::kSending, S::kWaitResult, S::kResult, S::kOffline},
         S::kRecording,
         kStartRecording},
        {E::kPress, {S::kRecording}, S::kRecording, kStopRecording},
        {E::kPress, {S::kError}, S::kReady, kNone},
        {E::kNoRoom,
         {S::kConnecting, S::kReady, S::kSending, S::kWaitResult, S::kResult, S::kOffline},
         S::kError,
         kNone},
        {E::kNoRoom, {S::kError}, S::kReady, kNone},
        {E::kLongPress,
         {S::kConnecting, S::kReady, S::kSending, S::kWaitResult, S::kResult, S::kError, S::kOffline,
          S::kSafeMode},
         S::kProvision,
         kOpenPortal},
        {E::kLongPress, {S::kProvision}, S::kConnecting, kClosePortal | kConnect},
        {E::kRecorded, {S::kRecording}, S::kSending, kNone},
        {E::kRecordedOffline, {S::kRecording}, S::kOffline, kNone},
        {E::kSent, {S::kSending}, S::kWaitResult, kNone},
        {E::kAnswered, {S::kReady, S::kSending, S::kWaitResult, S::kResult}, S::kResult, kNone},
        {E::kEnded, {S::kRecording}, S::kReady, kStopRecording},
        {E::kEnded, {S::kSending, S::kWaitResult}, S::kReady, kNone},
        {E::kFault, {S::kProvision}, S::kError, kClosePortal},
        {E::kFault, {S::kRecording}, S::kError, kStopRecording},
        {E::kFault,
         {S::kConnecting, S::kReady, S::kSending, S::kWaitResult, S::kError, S::kOffline, S::kSafeMode},
         S::kError,
         kNone},
        {E::kUpdate, {S::kReady, S::kResult, S::kSafeMode}, S::kUpdating, kStartUpdate},
        {E::kUpdateReady, {S::kUpdating}, S::kBoot, kRestart},
        {E::kUpdateFailed, {S::kUpdating}, S::kError, kNone},
        {E::kRestart,
         {S::kConnecting, S::kReady, S::kWaitResult, S::kResult, S::kError, S::kOffline, S::kSafeMode},
         S::kBoot,
         kRestart},
        {E::kTimeout, {S::kBoot, S::kSafeMode}, S::kBoot, kRestart},
        {E::kTimeout, {S::kProvision}, S::kConnecting, kClosePortal | kConnect},
        {E::kTimeout, {S::kConnecting, S::kSending}, S::kOffline, kNone},
        {E::kTimeout, {S::kReady}, S::kReady, kSleep},
        {E::kTimeout, {S::kRecording}, S::kRecording, kStopRecording},
        {E::kTimeout, {S::kWaitResult, S::kResult, S::kError}, S::kReady, kNone},
        {E::kTimeout, {S::kOffline}, S::kOffline, kSleep},
        {E::kTimeout, {S::kUpdating}, S::kError, kNone},
    };
    return kWanted;
}

struct Outcome {
    State to;
    Action actions;
};

Outcome wanted_of(State from, Signal signal) {
    for (const Wanted& row : wanted()) {
        if (row.signal != signal) continue;
        for (const State state : row.from) {
            if (state == from) return {row.to, row.actions};
        }
    }
    return {from, kNone};
}

// Returns the shortest way from BOOT into every state, through the machine itself.
std::map<State, std::vector<Signal>> ways() {
    std::map<State, std::vector<Signal>> ways{{S::kBoot, {}}};
    std::deque<State> open{S::kBoot};
    while (!open.empty()) {
        const State from = open.front();
        open.pop_front();
        for (int signal = 0; signal < kSignals; ++signal) {
            StateMachine machine(0);
            for (const Signal step : ways[from]) machine.step(step, 0);
            machine.step(static_cast<Signal>(signal), 0);
            if (ways.contains(machine.state())) continue;
            ways[machine.state()] = ways[from];
            ways[machine.state()].push_back(static_cast<Signal>(signal));
            open.push_back(machine.state());
        }
    }
    return ways;
}

StateMachine machine_in(State state, std::uint64_t now_ms) {
    StateMachine machine(now_ms);
    const auto all_ways = ways();
    for (const Signal step : all_ways.at(state)) machine.step(step, now_ms);
    return machine;
}

}  // namespace

TEST_CASE("every state can be reached and left") {
    CHECK(ways().size() == kStates);
    for (int index = 0; index < kStates; ++index) {
        bool has_exit = false;
        for (const Transition& row : transitions()) {
            has_exit = has_exit || (row.from == static_cast<State>(index) && row.to != row.from);
        }
        CAPTURE(index);
        CHECK(has_exit);
    }
}

TEST_CASE("every pair of state and signal does what is wanted, and those without a row do nothing") {
    const auto all_ways = ways();
    std::size_t moved = 0;
    for (int from = 0; from < kStates; ++from) {
        for (int signal = 0; signal < kSignals; ++signal) {
            const auto state = static_cast<State>(from);
            const auto event = static_cast<Signal>(signal);
            CAPTURE(to_string(state));
            CAPTURE(to_string(event));
            StateMachine machine(0);
            for (const Signal step : all_ways.at(state)) machine.step(step, 0);
            REQUIRE(machine.state() == state);
            const Action actions = machine.step(event, 5);
            const Outcome outcome = wanted_of(state, event);
            CHECK(machine.state() == outcome.to);
            CHECK(actions == outcome.actions);
            if (machine.since_ms() == 5) ++moved;  // only a transition sets the time
        }
    }
    CHECK(moved == transitions().size());  // no row is shadowed by another one
}

TEST_CASE("every state has its time limit, told once") {
    for (int index = 0; index < kStates; ++index) {
        const auto state = static_cast<State>(index);
        CAPTURE(to_string(state));
        StateMachine machine = machine_in(state, 1'000);
        if (state == S::kRecording) {
            CHECK(time_limit_ms(state) == kForever);
            CHECK(machine.tick(1'000'000'000) == kNone);
            machine.limit(4'000);
        } else {
            machine.limit(time_limit_ms(state));
        }
        const std::uint64_t limit = state == S::kRecording ? 4'000 : time_limit_ms(state);
        machine.tick(1'000 + limit - 1);
        CHECK(machine.state() == state);
        CHECK(machine.since_ms() == 1'000);
        machine.tick(1'000 + limit);
        const Outcome outcome = wanted_of(state, E::kTimeout);
        CHECK(machine.state() == outcome.to);
        CHECK(machine.since_ms() == 1'000 + limit);
    }
}

TEST_CASE("what moves has more time, and a clock that goes back does no harm") {
    StateMachine machine = machine_in(S::kSending, 100'000);
    machine.extend(150'000);
    CHECK(machine.tick(200'000) == kNone);
    CHECK(machine.state() == S::kSending);
    CHECK(machine.tick(10) == kNone);
    CHECK(machine.state() == S::kSending);
    machine.tick(210'000);
    CHECK(machine.state() == S::kOffline);
}

TEST_CASE("names are all different") {
    std::map<std::string_view, int> names;
    for (int index = 0; index < kStates; ++index) ++names[to_string(static_cast<State>(index))];
    for (int index = 0; index < kSignals; ++index) ++names[to_string(static_cast<Signal>(index))];
    CHECK(names.size() == kStates + kSignals);
}
