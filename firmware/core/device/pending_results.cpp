#include "core/device/pending_results.h"

#include <algorithm>

namespace stetho {

void PendingResults::add(std::uint64_t recording_id) {
    if (count_ == ids_.size()) {
        std::copy(ids_.begin() + 1, ids_.end(), ids_.begin());
        --count_;
    }
    ids_[count_++] = recording_id;
}

bool PendingResults::remove(std::uint64_t recording_id) {
    const auto end = ids_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto found = std::find(ids_.begin(), end, recording_id);
    if (found == end) return false;
    std::copy(found + 1, end, found);
    --count_;
    return true;
}

}  // namespace stetho
