// Messages of DNS (RFC 1035), as far as the access point's name server and the search for the broker share them.
// No state: any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/wire/bytes.h"
#include "core/wire/fixed_string.h"

namespace stetho {

inline constexpr std::size_t kDnsHeaderBytes = 12;
inline constexpr std::size_t kMaxDnsNameBytes = 255;
inline constexpr std::size_t kMaxDnsLabelBytes = 63;
inline constexpr std::uint16_t kDnsInternet = 1;  // the only class in use
inline constexpr std::uint16_t kDnsAddress = 1;   // types of records
inline constexpr std::uint16_t kDnsPointer = 12;
inline constexpr std::uint16_t kDnsService = 33;

using DnsName = FixedString<kMaxDnsNameBytes>;

// Returns the number of 16 bits at `at`, which must be in the message.
constexpr std::uint16_t dns_number(Bytes message, std::size_t at) {
    return static_cast<std::uint16_t>(message[at] << 8 | message[at + 1]);
}

// Returns where the labels that begin at `at` end: at a zero, or at a pointer to more of them, which is in the
// message whole. 0: they are cut off or too long.
std::size_t end_of_dns_labels(Bytes message, std::size_t at);

// Returns where what follows the name at `at` begins; 0: it is cut off or too long.
std::size_t end_of_dns_name(Bytes message, std::size_t at);

// Reads the name at `at`, with dots and in lower case. False: it is cut off or too long, a label contains a dot, or
// its pointers do not lead back.
bool read_dns_name(Bytes message, std::size_t at, DnsName& name);

// Writes a name with dots as labels. Returns its length; 0: it is no name, or `out` is too short.
std::size_t write_dns_name(std::string_view name, WritableBytes out);

}  // namespace stetho
