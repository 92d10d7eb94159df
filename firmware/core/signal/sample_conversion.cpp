#include "core/signal/sample_conversion.h"

#include <algorithm>

namespace stetho {

std::int16_t to_16_bits(std::int32_t sample_24, std::uint16_t gain) {
    const std::int64_t louder = (std::int64_t{sample_24} * gain + 128) >> 8;
    return static_cast<std::int16_t>(std::clamp<std::int64_t>(louder, -kFullScale - 1, kFullScale));
}

void convert_slots(std::span<const std::int32_t> slots, DcBlocker& dc_blocker, std::uint16_t gain,
                   std::span<std::int16_t> out) {
    for (std::size_t at = 0; at < slots.size() && at < out.size(); ++at) {
        out[at] = to_16_bits(dc_blocker.step(slots[at] >> 8), gain);
    }
}

}  // namespace stetho
