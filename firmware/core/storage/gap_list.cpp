#include "core/storage/gap_list.h"

#include <algorithm>

namespace stetho {

void GapList::remove_before(std::uint32_t index) {
    while (size_ != 0 && gaps_[0].start < index) {
        lost_before_ += gaps_[0].count;
        std::copy(gaps_.begin() + 1, gaps_.end(), gaps_.begin());
        --size_;
    }
}

std::uint32_t GapList::position_of(std::uint32_t index) const {
    std::uint32_t position = index - lost_before_;
    for (const Gap* gap = begin(); gap != end(); ++gap) {
        if (gap->start < index) position -= gap->count;
    }
    return position;
}

std::uint32_t GapList::index_at(std::uint32_t position) const {
    std::uint32_t index = position + lost_before_;
    for (const Gap* gap = begin(); gap != end(); ++gap) {
        if (gap->start <= index) index += gap->count;
    }
    return index;
}

const Gap* GapList::ending_at(std::uint32_t index) const {
    const Gap* found = std::find_if(begin(), end(), [&](const Gap& gap) { return gap.end() == index; });
    return found == end() ? nullptr : found;
}

const Gap* GapList::containing(std::uint32_t index) const {
    const Gap* found = std::find_if(
        begin(), end(), [&](const Gap& gap) { return gap.start <= index && index - gap.start < gap.count; });
    return found == end() ? nullptr : found;
}

std::uint32_t GapList::next_start(std::uint32_t index, std::uint32_t otherwise) const {
    const Gap* found = std::find_if(begin(), end(), [&](const Gap& gap) { return gap.start >= index; });
    return found == end() ? otherwise : found->start;
}

}  // namespace stetho
