// Writer of the lines of stored settings into memory of the caller. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/wire/fixed_string.h"

namespace stetho {

class LineWriter {
  public:
    explicit LineWriter(std::span<char> out) : out_(out) {}

    void put(std::string_view text) {
        is_cut_ = is_cut_ || text.size() > out_.size() - size_;
        if (is_cut_) return;
        std::copy(text.begin(), text.end(), out_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += text.size();
    }

    void put_escaped(std::string_view value) {
        for (const char letter : value) {
            if (letter != '%' && static_cast<unsigned char>(letter) >= ' ')
                put({&letter, 1});
            else
                put(FixedString<3>("%").append_hex(static_cast<unsigned char>(letter), 2));
        }
    }

    void put_number(std::uint32_t number) { put(FixedString<10>().append_number(number)); }

    std::string_view written() const { return {out_.data(), size_}; }
    std::size_t size() const { return is_cut_ ? 0 : size_; }

  private:
    std::span<char> out_;
    std::size_t size_ = 0;
    bool is_cut_ = false;
};

}  // namespace stetho
