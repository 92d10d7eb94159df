#include "posix/simulated_microphone.h"

#include <algorithm>
#include <array>
#include <thread>

namespace stetho::posix {
namespace {

using std::chrono::steady_clock;

constexpr auto kIdle = std::chrono::milliseconds(20);
constexpr std::int16_t kNoise = 3;  // of 32768

}  // namespace

SimulatedMicrophone::SimulatedMicrophone(std::vector<std::int16_t> samples, std::uint32_t rate_hz,
                                         std::uint32_t bpm, double pace)
    : samples_(std::move(samples)),
      rate_hz_(rate_hz),
      pace_(pace),
      heart_(rate_hz, bpm),
      began_(steady_clock::now()) {}

bool SimulatedMicrophone::start(std::uint32_t) {
    is_running_ = true;
    return true;
}

std::size_t SimulatedMicrophone::read(std::span<std::int32_t> slots) {
    if (!is_running_) {
        std::this_thread::sleep_for(kIdle);
        return 0;
    }
    wait_for(slots.size());
    heart_.fill(slots);
    if (!is_plugged_) std::fill(slots.begin(), slots.end(), 0);
    return slots.size();
}

void SimulatedMicrophone::process_block(Capture& capture) {
    if (samples_.empty()) {
        std::array<std::int32_t, Capture::kBlock> slots{};
        capture.slots(std::span(slots).first(read(slots)));
        return;
    }
    if (!is_running_) {
        std::this_thread::sleep_for(kIdle);
        return;
    }
    std::array<std::int16_t, Capture::kBlock> block{};
    wait_for(block.size());
    fill_from_file(block);
    if (!is_plugged_) block.fill(0);
    capture.samples(block);
}

void SimulatedMicrophone::wait_for(std::size_t count) {
    given_ += count;
    const auto due =
        began_ + std::chrono::duration_cast<steady_clock::duration>(
                     std::chrono::duration<double>(static_cast<double>(given_) / rate_hz_ / pace_));
    const auto now = steady_clock::now();
    if (now > due + std::chrono::seconds(1)) {  // it was stopped for a while: time starts again
        began_ = now;
        given_ = 0;
    }
    std::this_thread::sleep_until(due);
}

void SimulatedMicrophone::fill_from_file(std::span<std::int16_t> block) {
    for (std::int16_t& sample : block) {
        if (is_asked_to_play_.exchange(false)) at_ = 0;
        if (at_ && *at_ < samples_.size()) {
            sample = samples_[(*at_)++];
        } else {
            noise_ = noise_ * 1'664'525U + 1'013'904'223U;
            sample = static_cast<std::int16_t>(static_cast<int>(noise_ >> 24U) % (2 * kNoise + 1) - kNoise);
        }
    }
}

}  // namespace stetho::posix
