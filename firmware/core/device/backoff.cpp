#include "core/device/backoff.h"

#include <algorithm>

namespace stetho {

std::uint32_t Backoff::next(std::uint32_t random) {
    const std::uint32_t half_ms = next_ms_ / 2;
    const std::uint32_t wait_ms = next_ms_ - half_ms + random % (half_ms + 1);
    next_ms_ = next_ms_ > most_ms_ / 2 ? most_ms_ : std::max(next_ms_ * 2, first_ms_);
    return wait_ms;
}

}  // namespace stetho
