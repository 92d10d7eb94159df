// Writer of HTML in pieces of 256 bytes. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace stetho {

struct PageOut;

class PageWriter {
  public:
    explicit PageWriter(const PageOut& out) : out_(out) {}

    // Writes markup as it is.
    PageWriter& html(std::string_view markup);
    // Writes text that anybody may have made: markup in it is shown, not obeyed, and what is no UTF-8, or
    // would not be seen or turn the line around, is shown as a replacement character.
    PageWriter& text(std::string_view bytes);
    // Writes bytes as hexadecimal digits.
    PageWriter& hex(std::string_view bytes);
    // Writes what is left. Returns whether everything was taken.
    bool flush();

  private:
    const PageOut& out_;
    std::array<char, 256> piece_{};
    std::size_t size_ = 0;
    bool is_taken_ = true;
};

}  // namespace stetho
