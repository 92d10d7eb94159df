// Program with the chunk codec behind two pipes, for tests/firmware/test_codec.py. Each line on stdin is a
// payload in hexadecimal. The answer is one line: the reason why it is refused, or the decoded header and
// what that encodes to: `type flags channels rate id first count body payload`.
#include <array>
#include <cstdio>
#include <iostream>
#include <string>

#include "core/wire/chunk.h"
#include "tests/hex.h"

namespace {

using namespace stetho;

std::string to_hex(Bytes bytes) {
    std::string digits;
    for (const std::uint8_t byte : bytes) {
        digits += "0123456789abcdef"[byte >> 4];
        digits += "0123456789abcdef"[byte & 15];
    }
    return digits.empty() ? "-" : digits;
}

std::string answer(Bytes payload) {
    const DecodedChunk decoded = decode_chunk(payload);
    if (!decoded.chunk) return std::string(to_string(decoded.error));
    const ChunkHeader& header = decoded.chunk->header;
    std::vector<std::uint8_t> again(kHeaderBytes + decoded.chunk->body.size());
    again.resize(encode_chunk(header, decoded.chunk->body, again));
    std::array<char, 128> numbers{};
    std::snprintf(numbers.data(), numbers.size(), "%u %u %u %lu %s %lu %lu ", unsigned(header.type),
                  header.flags, header.channels, static_cast<unsigned long>(header.sample_rate_hz),
                  recording_name(header.recording_id).c_str(),
                  static_cast<unsigned long>(header.first_sample),
                  static_cast<unsigned long>(header.sample_count));
    return numbers.data() + to_hex(decoded.chunk->body) + " " + to_hex(again);
}

}  // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);)
        std::cout << answer(test::from_hex(line)) << std::endl;
}
