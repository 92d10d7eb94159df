// A few small values that survive a power cut: NVS, or a file. What is read may be missing or corrupt.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace stetho::hal {

inline constexpr std::size_t kMaxKeyBytes = 15;  // NVS
inline constexpr std::size_t kMaxValueBytes =
    3072;  // a CA certificate of an EC key takes 700, of an RSA key 2,000

class Storage {
  public:
    virtual ~Storage() = default;

    // Copies the value of `key` into `value`, returns its length; none when it is missing, unreadable or too
    // long.
    virtual std::optional<std::size_t> get(std::string_view key, std::span<char> value) = 0;

    // Keeps `value`; returns once it is durable. False: full, worn out or malformed key.
    virtual bool put(std::string_view key, std::string_view value) = 0;

    // Forgets everything (a factory reset).
    virtual bool clear() = 0;
};

}  // namespace stetho::hal
