// Answers to name questions on the access point: every name is the device itself, so that a phone finds the
// form by itself. No state: any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/wire/bytes.h"

namespace stetho {

// Longest question and answer: those of DNS over UDP (RFC 1035, 4.2.1).
inline constexpr std::size_t kMaxDnsBytes = 512;

// Writes the answer to one question into `out`: `address` for A, nothing there for other types. Returns its
// length; 0: not one whole question of the Internet class, or `out` is too short. Then nothing is sent.
std::size_t answer_dns(Bytes query, const std::array<std::uint8_t, 4>& address, WritableBytes out);

}  // namespace stetho
