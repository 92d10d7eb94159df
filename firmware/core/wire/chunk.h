// One MQTT payload of PCM or META: 32 bytes of header, then the body. Normative: docs/protocol.md, "Chunk";
// pinned for C++ and Python by tests/vectors/chunks.json. No state: any thread.
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
inline constexpr std::uint8_t kGapBefore = 4;  // this device lost the samples before first_sample
inline constexpr std::uint8_t kClipped = 8;    // a sample of the body is at full scale
inline constexpr std::uint8_t kHasMeta = 16;   // a META chunk belongs to the recording
inline constexpr std::uint8_t kStream = 32;    // no end known beforehand; set in every chunk of a stream
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

// Why a payload is refused: the reasons of docs/protocol.md, "Rejections".
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

// Returns the word of the protocol for `error`, such as "short".
std::string_view to_string(ChunkError error);

struct DecodedChunk {
    std::optional<Chunk> chunk;
    ChunkError error = ChunkError::kShort;  // only where there is no chunk
};

// Returns the chunk in `payload`, or the first rule that it breaks. Nothing is copied.
DecodedChunk decode_chunk(Bytes payload);

// Writes header and body to `out` and returns how many bytes that is; 0 when `out` is too small.
std::size_t encode_chunk(const ChunkHeader& header, Bytes body, WritableBytes out);

// Writes the header, checksum included, of a body that already lies where it will be sent from.
void encode_header(const ChunkHeader& header, Bytes body, std::span<std::uint8_t, kHeaderBytes> out);

// Returns the samples of a buffer as the bytes of a body.
Bytes body_of(std::span<const std::int16_t> samples);

// A recording id as JSON and topics write it: 16 lower-case hexadecimal digits.
using RecordingName = FixedString<16>;
RecordingName recording_name(std::uint64_t recording_id);

// Returns the id that `name` writes; nothing unless it is exactly 16 lower-case hexadecimal digits.
std::optional<std::uint64_t> recording_id(std::string_view name);

}  // namespace stetho
