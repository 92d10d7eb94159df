// Lines on standard input, read without waiting.
#pragma once

#include <optional>
#include <string>

namespace stetho::posix {

class Console {
  public:
    // The next line, without its end; none when none is there (yet, or any more).
    std::optional<std::string> line();

  private:
    void fill();

    std::string buffer_;
    bool is_at_end_ = false;
};

}  // namespace stetho::posix
