// Decoder of hexadecimal digits.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace stetho::test {

// Returns the bytes that `digits` stand for.
inline std::vector<std::uint8_t> from_hex(std::string_view digits) {
    std::vector<std::uint8_t> bytes(digits.size() / 2);
    for (std::size_t at = 0; at < digits.size(); ++at) {
        const auto value = std::string_view("0123456789abcdef").find(digits[at]);
        bytes[at / 2] = static_cast<std::uint8_t>(16U * bytes[at / 2] + value);
    }
    return bytes;
}

}  // namespace stetho::test
