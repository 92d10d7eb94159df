// Range of samples of a recording.
#pragma once

#include <cstdint>

namespace stetho {

// Samples [start, end) of a recording, per channel.
struct SampleRange {
    static constexpr std::uint32_t kToEnd = 0xFFFF'FFFF;  // to the end of the recording, LAST included
    std::uint32_t start = 0;
    std::uint32_t end = 0;
    friend constexpr bool operator==(const SampleRange&, const SampleRange&) = default;
};

}  // namespace stetho
