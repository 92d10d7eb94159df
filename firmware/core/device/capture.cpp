#include "core/device/capture.h"

#include <algorithm>
#include <array>

#include "core/signal/sample_conversion.h"

namespace stetho {

bool Capture::begin(const CaptureSettings& settings) {
    gain_ = settings.gain;
    dc_blocker_ = DcBlocker(settings.microphone_hz);
    check_ = MicrophoneCheck(settings.microphone_hz);
    return decimator_.begin(settings.microphone_hz, settings.sample_rate_hz) && gain_ >= 1 &&
           gain_ <= kMaxGain;
}

void Capture::slots(std::span<const std::int32_t> slots) {
    std::array<std::int16_t, kBlock> samples;
    for (; !slots.empty(); slots = slots.subspan(std::min(kBlock, slots.size()))) {
        const auto block = slots.first(std::min(kBlock, slots.size()));
        check_.push(block);
        convert_slots(block, dc_blocker_, gain_, samples);
        pass_on(std::span(samples).first(block.size()));
    }
}

void Capture::samples(std::span<const std::int16_t> samples) {
    std::array<std::int32_t, kBlock / 4> slots;  // a whole block would take 1 KB of the stack
    std::array<std::int16_t, kBlock / 4> copy;
    for (; !samples.empty(); samples = samples.subspan(std::min(slots.size(), samples.size()))) {
        const auto block = std::span(copy).first(std::min(copy.size(), samples.size()));
        std::copy_n(samples.begin(), block.size(), block.begin());
        std::transform(block.begin(), block.end(), slots.begin(),
                       [](std::int16_t sample) { return std::int32_t{sample} * 0x1'0000; });
        check_.push(std::span(slots).first(block.size()));
        pass_on(block);
    }
}

void Capture::on_samples_lost(std::uint32_t count) { ring_.add_lost(decimator_.skip(count)); }

void Capture::pass_on(std::span<std::int16_t> samples) {
    ring_.write(samples.first(decimator_.push(samples, samples)));
}

}  // namespace stetho
