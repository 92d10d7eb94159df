#include "core/signal/microphone_check.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string_view>
#include <vector>

using namespace stetho;

namespace {

// Returns the state after one second of `slot(index)` at 4 kHz.
template <class Slot>
MicrophoneState state_of(Slot slot) {
    MicrophoneCheck check(4'000);
    std::vector<std::int32_t> slots(4'000);
    for (std::size_t at = 0; at < slots.size(); ++at) slots[at] = slot(static_cast<std::int32_t>(at));
    check.push(slots);
    return check.state();
}

}  // namespace

TEST_CASE("a5: a microphone that is silent or stuck is told from one that works") {
    CHECK(state_of([](std::int32_t) { return 0; }) == MicrophoneState::kSilent);
    CHECK(state_of([](std::int32_t) { return -1; }) == MicrophoneState::kSilent);
    CHECK(state_of([](std::int32_t at) { return at % 2 * 0xFF; }) ==
          MicrophoneState::kSilent);  // below 24 bits
    CHECK(state_of([](std::int32_t at) { return at % 2 * 0x1FF; }) == MicrophoneState::kSilent);
    CHECK(state_of([](std::int32_t at) { return at % 3 * 0x1FF; }) == MicrophoneState::kOk);
    CHECK(state_of([](std::int32_t) { return 0x1234'5600; }) == MicrophoneState::kSilent);
    CHECK(state_of([](std::int32_t) { return INT32_MAX; }) == MicrophoneState::kStuck);
    CHECK(state_of([](std::int32_t) { return INT32_MIN; }) == MicrophoneState::kStuck);
    CHECK(state_of([](std::int32_t at) { return at * 7 % 300 * 256; }) ==
          MicrophoneState::kOk);  // noise of the chip
}

TEST_CASE("too loud is a fiftieth of the samples at full scale") {
    const auto one_in = [](std::int32_t part) {
        return [part](std::int32_t at) { return at % part == 0 ? INT32_MAX : at * 0x1000; };
    };
    CHECK(state_of(one_in(50)) == MicrophoneState::kTooLoud);
    CHECK(state_of(one_in(60)) == MicrophoneState::kOk);
}

TEST_CASE("random bits of a line that is connected to nothing are no sound") {
    std::uint32_t random = 1;
    const auto bits = [&](std::int32_t) {
        random = random * 1'664'525U + 1'013'904'223U;
        return static_cast<std::int32_t>(random);
    };
    CHECK(state_of(bits) == MicrophoneState::kLoose);
    CHECK(state_of([&](std::int32_t at) { return bits(at) / 2; }) == MicrophoneState::kLoose);
    CHECK(state_of([&](std::int32_t at) { return bits(at) / 8; }) == MicrophoneState::kOk);  // loud hiss
    // A tone as loud as can be, up to a sixth of the rate.
    for (const double per_sample : {0.01, 0.1, 0.5, 1.0}) {
        CAPTURE(per_sample);
        CHECK(state_of([&](std::int32_t at) {
                  return static_cast<std::int32_t>(2e9 * std::sin(per_sample * at));
              }) == MicrophoneState::kOk);
    }
}

TEST_CASE("a microphone that comes back is believed") {
    MicrophoneCheck check(4'000);
    check.push(std::vector<std::int32_t>(1'999, 0));
    CHECK(check.state() == MicrophoneState::kOk);  // half a second is not over
    check.push(std::array<std::int32_t, 1>{0});
    CHECK(check.state() == MicrophoneState::kSilent);
    std::vector<std::int32_t> sound(2'000);
    for (std::size_t at = 0; at < sound.size(); ++at) sound[at] = static_cast<std::int32_t>(at) * 0x1000;
    check.push(sound);
    CHECK(check.state() == MicrophoneState::kOk);
}

TEST_CASE("each state has a word") {
    CHECK(std::string_view(to_string(MicrophoneState::kOk)) == "ok");
    CHECK(std::string_view(to_string(MicrophoneState::kTooLoud)) == "too loud");
    CHECK(std::string_view(to_string(MicrophoneState::kLoose)) == "loose");
}
