#include "core/portal/dns_answer.h"

#include <algorithm>

namespace stetho {
namespace {

constexpr std::size_t kHeaderBytes = 12;
constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxLabelBytes = 63;
constexpr std::uint16_t kTypeA = 1;
constexpr std::uint16_t kClassInternet = 1;
constexpr std::uint8_t kIsAnswer = 0x80;
constexpr std::uint8_t kKindBits = 0x78;  // of a question: 0, a standard one
constexpr std::uint8_t kWantsRecursion = 0x01;

std::uint16_t number_at(Bytes bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// Returns where the name that begins after the header ends; 0: it is cut off, too long or compressed.
std::size_t end_of_name(Bytes query) {
    std::size_t at = kHeaderBytes;
    while (at < query.size() && at - kHeaderBytes < kMaxNameBytes) {
        const std::size_t label = query[at];
        if (label > kMaxLabelBytes) return 0;
        at += 1 + label;
        if (label == 0) return at;
    }
    return 0;
}

}  // namespace

std::size_t answer_dns(Bytes query, const std::array<std::uint8_t, 4>& address, WritableBytes out) {
    if (query.size() < kHeaderBytes || (query[2] & (kIsAnswer | kKindBits)) != 0) return 0;
    if (number_at(query, 4) != 1) return 0;  // questions
    const std::size_t name_end = end_of_name(query);
    const std::size_t end = name_end + 4;
    if (name_end == 0 || end > query.size() || number_at(query, name_end + 2) != kClassInternet) return 0;
    const bool has_address = number_at(query, name_end) == kTypeA;
    // The name (as a pointer to that of the question), type, class, a minute to keep it, the address.
    const std::array<std::uint8_t, 16> record{0xc0, kHeaderBytes, 0,          kTypeA,     0, kClassInternet,
                                              0,    0,            0,          60,         0, 4,
                                              address[0], address[1], address[2], address[3]};
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
