// Ring buffer of samples between two threads, one that writes and one that reads: lock-free, neither ever
// waits. Samples that do not fit are lost; the reader learns where and how many, so that the time axis stays
// true.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stetho {

class RingBuffer {
  public:
    // Uses the largest power of two of samples of `memory`, at least 2. `memory` outlives the buffer.
    explicit RingBuffer(std::span<std::int16_t> memory);

    // Writer: appends the samples that fit; counts the rest as lost. Never blocks.
    void write(std::span<const std::int16_t> samples);
    // Writer: appends a gap of `count` samples that the driver lost.
    void add_lost(std::uint32_t count);

    struct ReadResult {
        std::size_t count = 0;          // samples that were copied
        std::uint32_t lost_before = 0;  // samples that were lost before the first of them
    };
    // Reader: copies the oldest samples to `out`. A loss ends the copy, so that it always lies before a first
    // sample. A loss at the very end is returned with count 0.
    ReadResult read(std::span<std::int16_t> out);
    // Reader: removes all samples and losses; those before a recording are not needed.
    void clear();

    // Any thread:
    std::size_t size() const;  // samples that wait
    std::size_t capacity() const { return mask_ + 1U; }
    std::uint32_t lost_total() const { return lost_total_.load(std::memory_order_relaxed); }

  private:
    static constexpr std::uint32_t kGaps =
        16;  // losses that can wait at once; one more, and samples are lost until the reader has read one
    struct Gap {
        std::uint32_t at = 0;  // position in the ring before which it lies
        std::uint32_t count = 0;
    };

    bool settle();                 // writer: passes the pending loss to the reader; false: no room for it
    const Gap* front_gap() const;  // reader: the oldest loss that waits, or null
    void pop_gap();                // reader

    std::span<std::int16_t> memory_;
    std::uint32_t mask_;
    std::array<Gap, kGaps> gaps_{};
    std::uint32_t pending_ = 0;  // writer's: lost since the last sample that was taken
    // Positions only grow, modulo 2^32. Each is written by one side.
    std::atomic<std::uint32_t> written_{0};
    std::atomic<std::uint32_t> read_{0};
    std::atomic<std::uint32_t> gaps_written_{0};
    std::atomic<std::uint32_t> gaps_read_{0};
    std::atomic<std::uint32_t> lost_total_{0};
};

}  // namespace stetho
