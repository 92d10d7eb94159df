// Reader of lines on standard input, without waiting. One thread.
#pragma once

#include <optional>
#include <string>

namespace stetho::posix {

class Console {
  public:
    // Returns the next line, without its end; nothing if there is none (yet, or any more).
    std::optional<std::string> line();

  private:
    void fill();

    std::string buffer_;
    bool is_at_end_ = false;
};

}  // namespace stetho::posix
