// Sines for tests of filters, and the level of one in the output.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace stetho::test {

// An emulated chip without floating point is slow, so it tests only one frequency in so many.
#ifdef STETHO_EMULATED
inline constexpr double kStride = 24;
#else
inline constexpr double kStride = 1;
#endif

inline std::vector<std::int16_t> sine(double frequency_hz, double rate_hz, double amplitude,
                                      std::size_t count) {
    std::vector<std::int16_t> samples(count);
    for (std::size_t at = 0; at < count; ++at) {
        const double phase = 2 * std::numbers::pi * frequency_hz * static_cast<double>(at) / rate_hz;
        samples[at] = static_cast<std::int16_t>(std::lround(amplitude * std::sin(phase)));
    }
    return samples;
}

// Returns 20 log10 of the RMS of `samples` to that of a sine of `amplitude`.
inline double level_db(std::span<const std::int16_t> samples, double amplitude) {
    double squares = 1e-9;
    for (const double sample : samples) squares += sample * sample;
    const double rms = std::sqrt(squares / static_cast<double>(samples.size()));
    return 20 * std::log10(rms / (amplitude / std::numbers::sqrt2));
}

}  // namespace stetho::test
