// Reader of lines on standard input, without waiting. One thread.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "core/wire/line_reader.h"

namespace stetho::posix {

class Console {
  public:
    // Returns the next line, without its end; nothing if there is none (yet, or any more).
    std::optional<std::string> line();

  private:
    bool fill();

    std::array<char, kMaxLineBytes> memory_{};
    LineReader lines_{memory_};
    std::array<char, 4096> bytes_{};
    std::size_t at_ = 0;
    std::size_t count_ = 0;
    bool is_at_end_ = false;
};

}  // namespace stetho::posix
