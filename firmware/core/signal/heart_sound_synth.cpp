#include "core/signal/heart_sound_synth.h"

#include <cmath>

namespace stetho {
namespace {

constexpr float kTwoPi = 6.2831853F;
constexpr float kScale = 0.25F * 2147483648.0F;  // the tones of S1 add up to about 2
constexpr float kNoise = 0.004F;

}  // namespace

const std::array<HeartSoundSynth::Tone, 9> HeartSoundSynth::kTones = {{
    {32.0F, 0.000F, 0.045F, 1.00F, false},
    {45.0F, 0.008F, 0.035F, 0.90F, false},
    {58.0F, 0.025F, 0.025F, 0.60F, false},
    {95.0F, 0.012F, 0.015F, 0.25F, false},
    {55.0F, 0.000F, 0.034F, 0.65F, true},
    {78.0F, 0.000F, 0.024F, 0.60F, true},
    {130.0F, 0.002F, 0.012F, 0.25F, true},
    {50.0F, 0.020F, 0.030F, 0.30F, true},
    {70.0F, 0.020F, 0.020F, 0.20F, true},
}};

HeartSoundSynth::HeartSoundSynth(std::uint32_t rate_hz, std::uint32_t bpm) : period_(rate_hz * 60U / bpm) {
    const auto rate = static_cast<float>(rate_hz);
    const float systole_s =
        0.45F - 0.0018F * static_cast<float>(bpm);  // S1 to S2; shorter where the heart is fast
    for (std::size_t index = 0; index < kTones.size(); ++index) {
        const Tone& tone = kTones[index];
        const float damping = std::exp(-1.0F / (tone.decay_s * rate));
        const float step = kTwoPi * tone.hz / rate;
        const float onset_s = tone.delay_s + (tone.is_second ? systole_s : 0.0F);
        oscillators_[index] = {damping * std::cos(step),
                               damping * std::sin(step),
                               0,
                               0,
                               tone.amplitude,
                               static_cast<std::uint32_t>(onset_s * rate)};
    }
}

void HeartSoundSynth::fill(std::span<std::int32_t> slots) {
    for (std::int32_t& slot : slots) {
        slot = static_cast<std::int32_t>(kScale * (next() + kNoise * noise())) & ~0xFF;
    }
}

float HeartSoundSynth::next() {
    float sum = 0;
    for (Oscillator& each : oscillators_) {
        if (each.starts_at == at_) {
            each.x += each.amplitude;
        }
        const float x = each.x * each.cosine - each.y * each.sine;
        each.y = each.x * each.sine + each.y * each.cosine;
        each.x = x;
        sum += each.y;
    }
    at_ = at_ + 1 == period_ ? 0 : at_ + 1;
    return sum;
}

float HeartSoundSynth::noise() {
    noise_ ^= noise_ << 13U;
    noise_ ^= noise_ >> 17U;
    noise_ ^= noise_ << 5U;
    return static_cast<float>(static_cast<std::int32_t>(noise_)) / 2147483648.0F;
}

}  // namespace stetho
