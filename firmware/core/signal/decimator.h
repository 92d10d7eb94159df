// From the rate of the microphone to 4 kHz, where all of a heart sound is: FIR filters with rational steps,
// in integers. Flat within 1 dB to 1.6 kHz; what lies above 2 kHz comes out 60 dB weaker (both measured in
// decimator_test.cpp). Taps: decimator_taps_generator.py (windowed sinc, Kaiser).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace stetho {

// One FIR filter that makes `up` samples of `down`: a polyphase filter whose phase p has the taps
// `taps[p * length, (p + 1) * length)` in 1/32768, newest sample first.
struct FirDesign {
    std::span<const std::int16_t> taps;
    std::uint16_t up;
    std::uint16_t down;
    std::uint16_t length;  // taps per phase
};

// One thread.
class FirStage {
  public:
    static constexpr std::size_t kMaxLength = 192;

    explicit FirStage(const FirDesign& design) : design_(design) {}
    // Takes one sample; returns an output sample when one is due. At most one is due since up <= down.
    std::optional<std::int16_t> step(std::int16_t sample);
    // Passes over samples that were lost: the filter starts from silence, its clock runs on. Returns how many
    // outputs fall away.
    std::uint32_t skip(std::uint32_t count);

  private:
    std::int16_t filter(std::size_t phase) const;

    FirDesign design_;
    std::array<std::int16_t, 2 * kMaxLength> history_{};  // written twice, so that a window is contiguous
    std::size_t at_ = 0;
    std::uint32_t phase_ = 0;  // of the next output, in 1/up of an input sample
};

// 44,100 -> 4,000 and 16,000 -> 4,000 Hz; equal rates pass through untouched. One thread.
class Decimator {
  public:
    // Returns nothing for rates that there is no filter for.
    static std::optional<Decimator> make(std::uint32_t from_hz, std::uint32_t to_hz);

    // Filters `in` into `out`, which holds at least `max_output(in.size())` samples; returns how many came.
    std::size_t push(std::span<const std::int16_t> in, std::span<std::int16_t> out);
    // The input lost `count` samples here. Returns how many output samples are lost with them: time stays
    // true.
    std::uint32_t skip(std::uint32_t count);
    // The most samples that come out for `count` samples of input.
    static std::size_t max_output(std::size_t count) { return count; }

  private:
    Decimator() = default;

    std::array<std::optional<FirStage>, 2> stages_;
};

}  // namespace stetho
