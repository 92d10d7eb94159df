// List of the recordings of this start whose result is still to come; results of other recordings are not
// shown. One task.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace stetho {

class PendingResults {
  public:
    // Adds a recording; if the list is full, removes the oldest one.
    void add(std::uint64_t recording_id);
    // Removes a recording. False: it is not in the list.
    bool remove(std::uint64_t recording_id);
    std::size_t count() const { return count_; }
    bool empty() const { return count_ == 0; }
    void clear() { count_ = 0; }

  private:
    std::array<std::uint64_t, 16> ids_{};
    std::size_t count_ = 0;
};

}  // namespace stetho
