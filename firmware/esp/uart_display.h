// Display as text on the serial console: beside the board's own, and the only one of a simulation.
#pragma once

#include <cstdint>

#include "core/display/screen.h"

namespace stetho::esp {

class UartDisplay {
  public:
    // Prints `screen` in a border if it differs from what was printed, at most twice a second unless its
    // first row changed.
    void show(const Screen& screen, std::uint64_t now_ms);

  private:
    Screen shown_;
    std::uint64_t shown_at_ms_ = 0;
};

}  // namespace stetho::esp
