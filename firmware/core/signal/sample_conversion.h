// Conversion of the slots of an I2S microphone to signed 16-bit samples. No state: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/signal/dc_blocker.h"

namespace stetho {

inline constexpr std::int16_t kFullScale = 32'767;
inline constexpr std::uint16_t kMaxGain = 256;

// Returns whether a sample is at full scale.
constexpr bool is_clipped(std::int16_t sample) { return sample == kFullScale || sample == -kFullScale - 1; }

// Returns a signed 24-bit sample, times `gain`, as 16 bits: rounded half up, saturated. With `gain` 1 full
// scale stays full scale. `gain`: 1..256.
std::int16_t to_16_bits(std::int32_t sample_24, std::uint16_t gain);

// Converts 32-bit slots whose upper 24 bits are the sample (an INMP441 leaves the lower 8 bits undefined): DC
// blocker, gain, saturation. `out` is at least as long as `slots`.
void convert_slots(std::span<const std::int32_t> slots, DcBlocker& dc_blocker, std::uint16_t gain,
                   std::span<std::int16_t> out);

}  // namespace stetho
