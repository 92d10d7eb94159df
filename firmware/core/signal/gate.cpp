#include "core/signal/gate.h"

#include <algorithm>

namespace stetho {

Gate::Gate(std::uint32_t sample_rate_hz, const GateSettings& settings)
    : settings_(settings),
      block_samples_(std::max<std::uint32_t>(1, sample_rate_hz / 100)),
      loud_from_(std::uint64_t{block_samples_} * settings.threshold * settings.threshold) {}

std::optional<GateEvent> Gate::step(std::span<const std::int16_t>& samples) {
    while (!samples.empty()) {
        const std::int32_t sample = samples.front();
        samples = samples.subspan(1);
        squares_ += static_cast<std::uint32_t>(sample * sample);
        if (++in_block_ < block_samples_) continue;
        if (const auto event = close_block()) return event;
    }
    return std::nullopt;
}

std::optional<GateEvent> Gate::close_block() {
    const bool is_loud = squares_ >= loud_from_;
    squares_ = 0;
    in_block_ = 0;
    const auto event = is_open_ ? step_open(is_loud) : step_closed(is_loud);
    ++block_;
    return event;
}

std::optional<GateEvent> Gate::step_closed(bool is_loud) {
    run_ = is_loud ? run_ + 1 : 0;
    if (!is_loud || run_ < settings_.attack) return std::nullopt;
    is_open_ = true;
    first_loud_ = block_ + 1 - run_;
    run_ = 0;
    const std::uint32_t pre_roll = std::min<std::uint32_t>(settings_.pre_roll, first_loud_ - end_);
    return GateEvent{GateEdge::kOpened, samples_of(first_loud_ - pre_roll)};
}

std::optional<GateEvent> Gate::step_open(bool is_loud) {
    run_ = is_loud ? 0 : run_ + 1;
    const std::uint32_t age = block_ + 1 - first_loud_;
    const bool is_quiet = age >= settings_.hold && run_ >= settings_.release;
    if (!is_quiet && age < settings_.max) return std::nullopt;
    is_open_ = false;
    run_ = 0;
    end_ = block_ + 1;
    return GateEvent{is_quiet ? GateEdge::kQuiet : GateEdge::kLimit, samples_of(end_)};
}

}  // namespace stetho
