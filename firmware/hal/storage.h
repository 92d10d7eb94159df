// Interface to persistent storage of a few small values: NVS, or files. A value that is read may be missing
// or corrupt.
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

    // Copies the value of `key` into `value` and returns its length; nothing if it is missing, unreadable or
    // too long.
    virtual std::optional<std::size_t> get(std::string_view key, std::span<char> value) = 0;

    // Stores `value`; returns once it is durable. False: full, worn out, or a malformed key.
    virtual bool put(std::string_view key, std::string_view value) = 0;

    // Erases everything (a factory reset).
    virtual bool clear() = 0;
};

}  // namespace stetho::hal
