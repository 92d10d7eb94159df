// Codec of chunks: one MQTT payload is a header of 32 bytes, then a body of PCM or META. Specified in
// docs/protocol.md, "Chunk"; tests/vectors/chunks.json holds C++ and Python to the same bytes. No state: any
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/wire/bytes.h"
#include "core/wire/fixed_string.h"

namespace stetho {

inline constexpr std::size_t kHeaderBytes = 32;
inline constexpr std::size_t kMaxBodyBytes = 65'536;
inline constexpr std::size_t kMaxMetaBytes = 4'096;
inline constexpr std::uint32_t kMinRateHz = 1'000;
inline constexpr std::uint32_t kMaxRateHz = 192'000;
inline constexpr std::uint32_t kMaxSamples = 0xFFFF'FFFF;

enum class ChunkType : std::uint8_t { kPcm = 1, kMeta = 2 };

// Bits of `ChunkHeader::flags`.
namespace chunk_flag {
inline constexpr std::uint8_t kLast = 1;       // fixes the length of the recording
inline constexpr std::uint8_t kResend = 2;     // sent again on request
inline constexpr std::uint8_t kGapBefore = 4;  // the device lost the samples before first_sample
inline constexpr std::uint8_t kClipped = 8;    // a sample of the body is at full scale
inline constexpr std::uint8_t kHasMeta = 16;   // a META chunk belongs to the recording
inline constexpr std::uint8_t kStream =
    32;  // the end is not known at the start; set in every chunk of a stream
}  // namespace chunk_flag

struct ChunkHeader {
    ChunkType type = ChunkType::kPcm;
    std::uint8_t flags = 0;
    std::uint8_t channels = 1;  // 1 or 2, interleaved
    std::uint32_t sample_rate_hz = 0;
    std::uint64_t recording_id = 0;  // random, unique per device
    std::uint32_t first_sample = 0;  // index, per channel, in the recording; META: 0
    std::uint32_t sample_count = 0;  // per channel; META: bytes of JSON
};

struct Chunk {
    ChunkHeader header;
    Bytes body;  // a view into the payload: signed 16-bit little endian, or UTF-8 JSON
};

// Reason why a payload is refused: docs/protocol.md, "Rejections".
enum class ChunkError : std::uint8_t {
    kShort,
    kMagic,
    kCrc,
    kType,
    kCodec,
    kChannels,
    kRate,
    kLength,
    kMeta
};

// Returns the name of `error` in the protocol, such as "short".
std::string_view to_string(ChunkError error);

struct DecodedChunk {
    std::optional<Chunk> chunk;
    ChunkError error = ChunkError::kShort;  // only where there is no chunk
};

// Returns the chunk in `payload`, or the first rule that it breaks. Nothing is copied.
DecodedChunk decode_chunk(Bytes payload);

// Writes header and body to `out`. Returns the number of bytes; 0: `out` is too small.
std::size_t encode_chunk(const ChunkHeader& header, Bytes body, WritableBytes out);

// Writes the header, with its checksum, for a body that is already in the buffer that will be sent.
void encode_header(const ChunkHeader& header, Bytes body, std::span<std::uint8_t, kHeaderBytes> out);

// Returns the bytes of `samples`, to be used as a body.
Bytes body_of(std::span<const std::int16_t> samples);

// Recording id as JSON and topics write it: 16 lower-case hexadecimal digits.
using RecordingName = FixedString<16>;
RecordingName recording_name(std::uint64_t recording_id);

// Returns the id that `name` stands for; nothing unless it is exactly 16 lower-case hexadecimal digits.
std::optional<std::uint64_t> recording_id(std::string_view name);

}  // namespace stetho
