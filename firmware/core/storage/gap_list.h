// List of the gaps of one recording, where the device lost samples: converts between the index of a sample in
// the recording and its position in memory, which holds no zeros for lost samples. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace stetho {

struct Gap {
    std::uint32_t start = 0;  // index of the first lost sample
    std::uint32_t count = 0;
    constexpr std::uint32_t end() const { return start + count; }
};

class GapList {
  public:
    static constexpr std::size_t kMaxGaps = 16;

    // Appends a gap behind all others, touching none of them. Only while the list is not full.
    void append(const Gap& gap) { gaps_[size_++] = gap; }
    // Makes the last gap end at `end`.
    void extend_last(std::uint32_t end) { gaps_[size_ - 1].count = end - gaps_[size_ - 1].start; }
    // Removes the gaps that start before `index`; positions stay as they are.
    void remove_before(std::uint32_t index);

    bool is_empty() const { return size_ == 0; }
    bool is_full() const { return size_ == kMaxGaps; }
    const Gap& last() const { return gaps_[size_ - 1]; }

    // Returns the position in memory of the sample at `index`, which is not in a gap: index less the samples
    // that were lost before it.
    std::uint32_t position_of(std::uint32_t index) const;
    // Returns the index of the sample at `position`.
    std::uint32_t index_at(std::uint32_t position) const;
    // Returns the gap that ends right before `index`; null: none does.
    const Gap* ending_at(std::uint32_t index) const;
    // Returns the gap that holds `index`; null: none does.
    const Gap* containing(std::uint32_t index) const;
    // Returns where the first gap at or after `index` starts; `otherwise` where there is none.
    std::uint32_t next_start(std::uint32_t index, std::uint32_t otherwise) const;

  private:
    const Gap* begin() const { return gaps_.data(); }
    const Gap* end() const { return gaps_.data() + size_; }

    std::array<Gap, kMaxGaps> gaps_{};  // in order, never touching each other
    std::size_t size_ = 0;
    std::uint32_t lost_before_ = 0;  // samples of gaps that were removed
};

}  // namespace stetho
