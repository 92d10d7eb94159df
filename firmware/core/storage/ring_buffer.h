// Audio between two threads: one writes, one reads, nobody waits and nothing locks. What does not fit is
// lost, and the reader is told where and how much, so that time stays true.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stetho {

class RingBuffer {
  public:
    // `memory` is used up to the largest power of two of samples; it outlives the ring. At least 2 samples.
    explicit RingBuffer(std::span<std::int16_t> memory);

    // Writer. Takes what there is room for; the rest is counted as lost. Never blocks.
    void write(std::span<const std::int16_t> samples);
    // Writer. `count` samples never arrived (the driver lost them).
    void add_lost(std::uint32_t count);

    struct ReadResult {
        std::size_t count = 0;          // samples that were copied
        std::uint32_t lost_before = 0;  // samples that were lost before the first of them
    };
    // Reader. Copies the oldest samples to `out`; a loss ends the copy, so that it lies before a first
    // sample. A loss at the very end is told with count 0.
    ReadResult read(std::span<std::int16_t> out);
    // Reader. Forgets what is in the ring and the losses in it: what lies before a recording is of no
    // interest.
    void clear();

    // Any thread.
    std::size_t size() const;  // samples that wait
    std::size_t capacity() const { return mask_ + 1U; }
    std::uint32_t lost_total() const { return lost_total_.load(std::memory_order_relaxed); }

  private:
    static constexpr std::uint32_t kGaps = 16;  // losses that can wait at once; beyond that all is lost
    struct Gap {
        std::uint32_t at = 0;  // position in the ring before which it lies
        std::uint32_t count = 0;
    };

    bool settle();                 // writer: hands the pending loss to the reader; false: no room for it
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
