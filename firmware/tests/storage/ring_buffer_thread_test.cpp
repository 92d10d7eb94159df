// Tests of a ring buffer with one thread that writes and one that reads, for ThreadSanitizer.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "core/storage/ring_buffer.h"

using namespace stetho;

namespace {

// Returns the samples first, first + 1, ...: each holds its index.
std::vector<std::int16_t> count_from(std::int16_t first, std::size_t count) {
    std::vector<std::int16_t> samples(count);
    std::iota(samples.begin(), samples.end(), first);
    return samples;
}

}  // namespace

TEST_CASE("a6: between two threads every sample is either heard, in order, or counted as lost") {
    constexpr std::uint32_t kTotal = 400'000;
    std::vector<std::int16_t> memory(256);
    RingBuffer ring(memory);
    std::atomic<bool> is_over{false};
    std::thread writer([&] {
        std::uint32_t at = 0;
        for (std::uint32_t size = 1; at < kTotal; at += size, size = size * 7 % 101 + 1) {
            size = std::min(size, kTotal - at);
            if (size % 10 == 3) {
                ring.add_lost(size);
            } else {
                ring.write(count_from(static_cast<std::int16_t>(at), size));
            }
            if (size % 16 == 0) std::this_thread::yield();
        }
        is_over.store(true, std::memory_order_release);
    });
    std::uint32_t position = 0;
    std::uint32_t wrong = 0;
    std::array<std::int16_t, 77> out;
    while (true) {
        const bool was_over = is_over.load(std::memory_order_acquire);
        const auto taken = ring.read(out);
        position += taken.lost_before;
        for (std::size_t at = 0; at < taken.count; ++at, ++position) {
            wrong += out[at] == static_cast<std::int16_t>(position) ? 0 : 1;
        }
        if (taken.count == 0) {
            if (was_over) break;
            std::this_thread::yield();
        }
    }
    writer.join();
    CHECK(wrong == 0);
    CHECK(position <= kTotal);  // a loss at the very end has no sample behind it
    const std::array<std::int16_t, 1> last{7};
    ring.write(last);
    const auto taken = ring.read(out);
    CHECK(position + taken.lost_before == kTotal);
    CHECK(out[0] == 7);
}
