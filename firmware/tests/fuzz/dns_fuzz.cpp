// Fuzz target of the access point's name server: an answer is one of this question, and no longer than DNS
// allows.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/portal/dns_answer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::array<std::uint8_t, stetho::kMaxDnsBytes> out{};
    const std::size_t length = stetho::answer_dns({data, size}, {192, 168, 4, 1}, out);
    if (length == 0) return 0;
    if (length > out.size() || length < 17 || !std::equal(data, data + 2, out.begin())) std::abort();
    if ((out[2] & 0x80) == 0 || out[5] != 1 || out[7] > 1) std::abort();
    return 0;
}
