// Audio gate: starts and ends a recording at a sound level (default: 0.02 of full scale). Integers only,
// sample for sample the same as in the worker; tests/vectors/gate.json holds both to it.
//
// It works on blocks of sample_rate / 100 samples. A block is loud when sum(x^2) >= n T^2, T =
// round(threshold * 32768). Closed: `attack` loud blocks in a row open the gate; the event starts `pre_roll`
// blocks before the first of them, but not before sample 0 nor before the end of the previous event. Open:
// the gate stays open for at least `hold` blocks from the first loud one; from then on it closes after
// `release` quiet blocks in a row (those during the hold count), "quiet". After `max` blocks from the first
// loud one it closes with "limit", unless the same block closes it as quiet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace stetho {

struct GateSettings {
    std::uint16_t threshold = 655;  // T, in units of a sample: 0.02 of full scale
    std::uint16_t attack = 2;       // blocks, at least 1
    std::uint16_t hold = 50;        // blocks
    std::uint16_t release = 30;     // blocks, at least 1
    std::uint16_t pre_roll = 20;    // blocks
    std::uint16_t max = 1000;       // blocks, more than attack
};

enum class GateEdge : std::uint8_t { kOpened, kQuiet, kLimit };

struct GateEvent {
    GateEdge edge = GateEdge::kOpened;
    std::uint32_t sample = 0;  // kOpened: first sample of the event; else the first sample after it
};

// One thread.
class Gate {
  public:
    Gate(std::uint32_t sample_rate_hz, const GateSettings& settings);

    // Consumes samples from the front of `samples` until the gate opens or closes, or none is left. Call it
    // until `samples` is empty: `while (!samples.empty()) if (auto event = gate.step(samples)) ...`
    std::optional<GateEvent> step(std::span<const std::int16_t>& samples);
    bool is_open() const { return is_open_; }

  private:
    std::optional<GateEvent> close_block();
    std::optional<GateEvent> step_closed(bool is_loud);
    std::optional<GateEvent> step_open(bool is_loud);
    std::uint32_t samples_of(std::uint32_t blocks) const { return blocks * block_samples_; }

    GateSettings settings_;
    std::uint32_t block_samples_;
    std::uint64_t loud_from_;  // sum of squares from which a block is loud
    std::uint64_t squares_ = 0;
    std::uint32_t in_block_ = 0;    // samples of the incomplete block
    std::uint32_t block_ = 0;       // index of that block
    std::uint32_t end_ = 0;         // block after the last event
    std::uint32_t first_loud_ = 0;  // block
    std::uint32_t run_ = 0;         // closed: loud blocks in a row; open: quiet blocks in a row
    bool is_open_ = false;
};

}  // namespace stetho
