// Decimator from the rate of the microphone to 4 kHz, which holds all of a heart sound: FIR filters with
// rational steps, in integers. Flat within 1 dB up to 1.6 kHz; attenuates what lies above 2 kHz by 60 dB
// (both measured in decimator_test.cpp). Taps: decimator_taps_generator.py (windowed sinc, Kaiser).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace stetho {

// Coefficients of one FIR filter that turns `down` samples into `up`: a polyphase filter whose phase p has
// the taps `taps[p * length, (p + 1) * length)` in 1/32768, newest sample first.
struct FirDesign {
    std::span<const std::int16_t> taps;
    std::uint16_t up;
    std::uint16_t down;
    std::uint16_t length;  // taps per phase
};

// One stage of the decimator. One thread.
class FirStage {
  public:
    static constexpr std::size_t kMaxLength = 192;

    // Begins from silence, in place: an object of this size is no value to hand around on a small stack.
    void begin(const FirDesign& design);
    // Filters one sample; returns an output sample if one is due. At most one is due, since up <= down.
    std::optional<std::int16_t> step(std::int16_t sample);
    // Skips samples that were lost: the filter restarts from silence, its clock runs on. Returns the number
    // of output samples that are lost with them.
    std::uint32_t skip(std::uint32_t count);

  private:
    std::int16_t filter(std::size_t phase) const;

    FirDesign design_{};
    std::array<std::int16_t, 2 * kMaxLength> history_{};  // written twice, so that a window is contiguous
    std::size_t at_ = 0;
    std::uint32_t phase_ = 0;  // of the next output, in 1/up of an input sample
};

// Decimator 44,100 -> 4,000 and 16,000 -> 4,000 Hz; equal rates pass unchanged. One thread.
class Decimator {
  public:
    // Begins from silence. False: there is no filter for these rates, and samples would pass unchanged.
    bool begin(std::uint32_t from_hz, std::uint32_t to_hz);

    // Filters `in` into `out`, which holds at least `max_output(in.size())` samples and may be the same memory.
    // Returns the number of output samples.
    std::size_t push(std::span<const std::int16_t> in, std::span<std::int16_t> out);
    // Skips `count` samples that the input lost here. Returns the number of output samples that are lost with
    // them, so that the time axis stays true.
    std::uint32_t skip(std::uint32_t count);
    // Returns the largest number of output samples for `count` input samples.
    static std::size_t max_output(std::size_t count) { return count; }

  private:
    std::array<FirStage, 2> stages_;
    std::size_t used_ = 0;  // stages
};

}  // namespace stetho
