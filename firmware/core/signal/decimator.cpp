#include "core/signal/decimator.h"

#include <algorithm>

#include "core/signal/decimator_taps.h"

namespace stetho {

void FirStage::begin(const FirDesign& design) {
    design_ = design;
    history_.fill(0);
    at_ = 0;
    phase_ = 0;
}

std::optional<std::int16_t> FirStage::step(std::int16_t sample) {
    at_ = (at_ == 0 ? design_.length : at_) - 1U;
    history_[at_] = history_[at_ + design_.length] = sample;
    std::optional<std::int16_t> output;
    if (phase_ < design_.up) {
        output = filter(phase_);
        phase_ += design_.down;
    }
    phase_ -= design_.up;
    return output;
}

std::int16_t FirStage::filter(std::size_t phase) const {
    const std::int16_t* tap = design_.taps.data() + phase * design_.length;
    const std::int16_t* sample = history_.data() + at_;
    std::int64_t sum = 1 << 14;
    for (std::size_t count = design_.length; count > 0; --count) sum += *tap++ * *sample++;
    return static_cast<std::int16_t>(std::clamp<std::int64_t>(sum >> 15, -32'768, 32'767));
}

std::uint32_t FirStage::skip(std::uint32_t count) {
    history_.fill(0);
    const std::uint64_t passed = std::uint64_t{count} * design_.up;
    const std::uint64_t outputs = passed > phase_ ? (passed - phase_ - 1) / design_.down + 1 : 0;
    phase_ = static_cast<std::uint32_t>(phase_ + outputs * design_.down - passed);
    return static_cast<std::uint32_t>(outputs);
}

bool Decimator::begin(std::uint32_t from_hz, std::uint32_t to_hz) {
    used_ = 0;
    if (from_hz == to_hz) return true;
    if (to_hz != 4'000) return false;
    if (from_hz == 44'100) {
        stages_[used_++].begin(kFrom44100To6300);
        stages_[used_++].begin(kFrom6300To4000);
    } else if (from_hz == 16'000) {
        stages_[used_++].begin(kFrom16000To4000);
    }
    return used_ > 0;
}

std::size_t Decimator::push(std::span<const std::int16_t> in, std::span<std::int16_t> out) {
    std::size_t count = 0;
    for (const std::int16_t sample : in) {
        std::optional<std::int16_t> output = sample;
        for (FirStage& stage : std::span(stages_).first(used_)) {
            if (output) output = stage.step(*output);
        }
        if (output && count < out.size()) out[count++] = *output;
    }
    return count;
}

std::uint32_t Decimator::skip(std::uint32_t count) {
    for (FirStage& stage : std::span(stages_).first(used_)) count = stage.skip(count);
    return count;
}

}  // namespace stetho
