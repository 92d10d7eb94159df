// Synthesizer of heart sounds, for devices without a microphone: the simulation build and the Linux program.
//
// Each sound is a sum of damped oscillations, as in simulator/heart_sound.py, which names the sources of
// their times and frequencies. For tests and demonstrations only. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stetho {

class HeartSoundSynth {
  public:
    // `rate_hz`: 4,000..48,000; `bpm`: 30..200 beats a minute.
    HeartSoundSynth(std::uint32_t rate_hz, std::uint32_t bpm);

    // Fills `slots` with the next samples in the format of an I2S microphone: 24 bits in the upper part
    // of 32. The loudest samples are near half of full scale; the noise of the microphone is 45 dB lower.
    void fill(std::span<std::int32_t> slots);

  private:
    struct Tone {
        float hz;
        float delay_s;  // after the onset of the sound
        float decay_s;  // to 1/e
        float amplitude;
        bool is_second;  // of S2
    };
    struct Oscillator {
        float cosine = 0;  // one step of its rotation, damped
        float sine = 0;
        float x = 0;
        float y = 0;  // output
        float amplitude = 0;
        std::uint32_t starts_at = 0;  // samples after the beginning of the beat
    };

    float next();
    float noise();

    static const std::array<Tone, 9> kTones;
    std::array<Oscillator, 9> oscillators_{};
    std::uint32_t period_;     // samples a beat
    std::uint32_t at_ = 0;     // samples since the beginning of the beat
    std::uint32_t noise_ = 1;  // state of a xorshift generator
};

}  // namespace stetho
