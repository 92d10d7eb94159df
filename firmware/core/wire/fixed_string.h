// String of at most N bytes, stored in the object itself: no heap.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace stetho {

// Text that does not fit is cut off, and `is_cut` returns true. Never throws, never allocates.
template <std::size_t N>
class FixedString {
  public:
    constexpr FixedString() = default;
    constexpr FixedString(std::string_view text) { append(text); }  // NOLINT: a text is a text
    constexpr FixedString(const char* text) : FixedString(std::string_view(text)) {}  // NOLINT

    static constexpr std::size_t capacity() { return N; }
    constexpr std::size_t size() const { return size_; }
    constexpr bool empty() const { return size_ == 0; }
    constexpr bool is_cut() const { return is_cut_; }
    constexpr std::string_view view() const { return {bytes_.data(), size_}; }
    constexpr const char* c_str() const { return bytes_.data(); }   // a zero always follows
    constexpr operator std::string_view() const { return view(); }  // NOLINT: a text is a text

    constexpr void clear() {
        size_ = 0;
        bytes_[0] = '\0';
        is_cut_ = false;
    }

    constexpr FixedString& append(std::string_view text) {
        const std::size_t count = std::min(text.size(), N - size_);
        std::copy_n(text.data(), count, bytes_.data() + size_);
        size_ += count;
        bytes_[size_] = '\0';
        is_cut_ = is_cut_ || count < text.size();
        return *this;
    }

    constexpr FixedString& append(char letter) { return append(std::string_view(&letter, 1)); }

    // Appends `number` in decimal.
    constexpr FixedString& append_number(std::int64_t number) {
        std::array<char, 20> digits{};
        std::size_t at = digits.size();
        auto left = static_cast<std::uint64_t>(number);
        if (number < 0) left = 0 - left;
        do {
            digits[--at] = static_cast<char>('0' + left % 10);
            left /= 10;
        } while (left != 0);
        if (number < 0) append('-');
        return append({digits.data() + at, digits.size() - at});
    }

    // Appends `number` tenths as "12.3".
    constexpr FixedString& append_tenths(std::uint32_t number) {
        return append_number(number / 10).append('.').append_number(number % 10);
    }

    // Appends `digits` hexadecimal digits, lower case, most significant first.
    constexpr FixedString& append_hex(std::uint64_t number, unsigned digits) {
        while (digits-- > 0) append("0123456789abcdef"[(number >> (4 * digits)) & 15]);
        return *this;
    }

    friend constexpr bool operator==(const FixedString& left, std::string_view right) {
        return left.view() == right;
    }
    friend constexpr bool operator==(const FixedString& left, const char* right) {
        return left.view() == right;
    }
    friend constexpr bool operator==(const FixedString& left, const FixedString& right) {
        return left.view() == right.view();
    }

  private:
    std::array<char, N + 1> bytes_{};
    std::size_t size_ = 0;
    bool is_cut_ = false;
};

}  // namespace stetho
