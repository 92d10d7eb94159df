// Fuzz target of the chunk codec: a chunk that is accepted encodes to the same bytes; others are refused.
#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/wire/chunk.h"
#include "core/wire/crc32.h"

namespace {

constexpr std::size_t kCrcOffset = 28;
constexpr std::size_t kCodecOffset = 6;

void check(stetho::Bytes payload) {
    const auto decoded = stetho::decode_chunk(payload);
    if (!decoded.chunk) return;
    static std::array<std::uint8_t, stetho::kHeaderBytes + stetho::kMaxBodyBytes> again;
    const std::size_t size = stetho::encode_chunk(decoded.chunk->header, decoded.chunk->body, again);
    const bool is_codec_1 = payload[kCodecOffset] == 1;  // ignored in META
    if (is_codec_1 && !std::equal(payload.begin(), payload.end(), again.begin(), again.begin() + size))
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    check({data, size});
    static std::array<std::uint8_t, 4096> payload;
    if (size < stetho::kHeaderBytes || size > payload.size()) return 0;
    std::copy_n(data, size, payload.begin());  // again with a correct checksum, to get past it
    const stetho::Bytes body(payload.data() + stetho::kHeaderBytes, size - stetho::kHeaderBytes);
    const std::uint32_t crc = stetho::crc32(body, stetho::crc32({payload.data(), kCrcOffset}));
    for (std::size_t at = 0; at < 4; ++at) {
        payload[kCrcOffset + at] = static_cast<std::uint8_t>(crc >> 8 * at);
    }
    check({payload.data(), size});
    return 0;
}
