// Reader of the lines of a serial console, out of bytes as they arrive, in pieces of any size.
//
// CR, LF or both end a line. A line that is longer than the memory is dropped as a whole and reported. No task,
// no lock: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace stetho {

// Longest line: a form with a CA certificate in it takes 7,200 bytes when each of them is escaped.
inline constexpr std::size_t kMaxLineBytes = 8'192;

enum class LineEvent : std::uint8_t {
    kNone,     // the line goes on
    kLine,     // `line` has it
    kTooLong,  // it was dropped
};

class LineReader {
  public:
    explicit LineReader(std::span<char> memory) : memory_(memory) {}

    LineEvent take(char letter);

    // Returns the line that has ended, without its end; valid until the next byte.
    std::string_view line() const { return {memory_.data(), line_bytes_}; }

    // Returns whether a line has begun and not ended.
    bool is_within_line() const { return size_ > 0 || is_too_long_; }

    // Forgets what has begun.
    void clear();

  private:
    std::span<char> memory_;
    std::size_t size_ = 0;
    std::size_t line_bytes_ = 0;
    bool is_too_long_ = false;
    bool was_return_ = false;  // the line end before was CR: an LF now is a part of it
};

}  // namespace stetho
