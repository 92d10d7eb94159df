#include "core/portal/dns_answer.h"

#include <algorithm>

#include "core/wire/dns_message.h"

namespace stetho {
namespace {

constexpr std::uint8_t kIsAnswer = 0x80;
constexpr std::uint8_t kKindBits = 0x78;  // of a question: 0, a standard one
constexpr std::uint8_t kWantsRecursion = 0x01;

// Returns where the name of the question ends; 0: it is cut off, too long or compressed.
std::size_t end_of_question(Bytes query) {
    const std::size_t end = end_of_dns_labels(query, kDnsHeaderBytes);
    return end == 0 || query[end] != 0 ? 0 : end + 1;
}

}  // namespace

std::size_t answer_dns(Bytes query, const std::array<std::uint8_t, 4>& address, WritableBytes out) {
    if (query.size() < kDnsHeaderBytes || (query[2] & (kIsAnswer | kKindBits)) != 0) return 0;
    if (dns_number(query, 4) != 1) return 0;  // questions
    const std::size_t name_end = end_of_question(query);
    const std::size_t end = name_end + 4;
    if (name_end == 0 || end > query.size() || dns_number(query, name_end + 2) != kDnsInternet) return 0;
    const bool has_address = dns_number(query, name_end) == kDnsAddress;
    // The name (as a pointer to that of the question), type, class, a minute to keep it, the address.
    const std::array<std::uint8_t, 16> record{0xc0, kDnsHeaderBytes, 0,  kDnsAddress, 0, kDnsInternet, 0, 0,
                                              0,    60,              0,  4,           address[0], address[1],
                                              address[2], address[3]};
    const std::size_t size = end + (has_address ? record.size() : 0);
    if (size > out.size()) return 0;
    std::copy_n(query.begin(), end, out.begin());
    out[2] = static_cast<std::uint8_t>(kIsAnswer | 0x04 | (query[2] & kWantsRecursion));  // we are the authority
    out[3] = 0;
    const std::array<std::uint8_t, 8> counts{0, 1, 0, static_cast<std::uint8_t>(has_address ? 1 : 0), 0, 0, 0, 0};
    std::copy(counts.begin(), counts.end(), out.begin() + 4);
    if (has_address) std::copy(record.begin(), record.end(), out.begin() + static_cast<std::ptrdiff_t>(end));
    return size;
}

}  // namespace stetho
