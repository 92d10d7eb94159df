#include "core/wire/chunk.h"

#include <algorithm>
#include <cstring>

#include "core/wire/crc32.h"

namespace stetho {
namespace {

constexpr std::uint32_t kMagic = 0x3148'5453;  // "STH1"
constexpr std::uint8_t kSigned16Bit = 1;
constexpr std::size_t kCrcOffset = 28;

template <class Number>
Number get(Bytes bytes, std::size_t offset) {
    Number number;
    std::memcpy(&number, bytes.subspan(offset).data(), sizeof number);
    return number;
}

template <class Number>
void put(Number number, std::span<std::uint8_t, kHeaderBytes> bytes, std::size_t offset) {
    std::memcpy(bytes.subspan(offset).data(), &number, sizeof number);
}

std::optional<ChunkError> fault_of_pcm(const Chunk& chunk, std::uint8_t codec) {
    const ChunkHeader& header = chunk.header;
    if (codec != kSigned16Bit) return ChunkError::kCodec;
    if (header.channels < 1 || header.channels > 2) return ChunkError::kChannels;
    if (header.sample_rate_hz < kMinRateHz || header.sample_rate_hz > kMaxRateHz) return ChunkError::kRate;
    const std::uint64_t announced = std::uint64_t{header.sample_count} * header.channels * 2;
    if (chunk.body.size() != announced || chunk.body.size() > kMaxBodyBytes) return ChunkError::kLength;
    if (header.sample_count == 0 && (header.flags & chunk_flag::kLast) == 0) return ChunkError::kLength;
    if (std::uint64_t{header.first_sample} + header.sample_count > kMaxSamples) return ChunkError::kLength;
    return std::nullopt;
}

std::optional<ChunkError> fault_of_meta(const Chunk& chunk) {
    if (chunk.body.size() != chunk.header.sample_count) return ChunkError::kLength;
    if (chunk.body.empty() || chunk.body.size() > kMaxMetaBytes) return ChunkError::kLength;
    if (chunk.header.first_sample != 0) return ChunkError::kMeta;
    return std::nullopt;
}

std::optional<ChunkError> fault_of(const Chunk& chunk, std::uint8_t codec) {
    switch (chunk.header.type) {
        case ChunkType::kPcm:
            return fault_of_pcm(chunk, codec);
        case ChunkType::kMeta:
            return fault_of_meta(chunk);
    }
    return ChunkError::kType;
}

}  // namespace

std::string_view to_string(ChunkError error) {
    constexpr std::string_view kWords[] = {"short",    "magic", "crc",    "type", "codec",
                                           "channels", "rate",  "length", "meta"};
    return kWords[static_cast<std::size_t>(error)];
}

DecodedChunk decode_chunk(Bytes payload) {
    if (payload.size() < kHeaderBytes) return {{}, ChunkError::kShort};
    if (get<std::uint32_t>(payload, 0) != kMagic) return {{}, ChunkError::kMagic};
    const Bytes body = payload.subspan(kHeaderBytes);
    if (crc32(body, crc32(payload.first(kCrcOffset))) != get<std::uint32_t>(payload, kCrcOffset)) {
        return {{}, ChunkError::kCrc};
    }
    const Chunk chunk{{.type = ChunkType{payload[4]},
                       .flags = payload[5],
                       .channels = payload[7],
                       .sample_rate_hz = get<std::uint32_t>(payload, 8),
                       .recording_id = get<std::uint64_t>(payload, 12),
                       .first_sample = get<std::uint32_t>(payload, 20),
                       .sample_count = get<std::uint32_t>(payload, 24)},
                      body};
    if (const auto fault = fault_of(chunk, payload[6])) return {{}, *fault};
    return {chunk, {}};
}

void encode_header(const ChunkHeader& header, Bytes body, std::span<std::uint8_t, kHeaderBytes> out) {
    put(kMagic, out, 0);
    out[4] = static_cast<std::uint8_t>(header.type);
    out[5] = header.flags;
    out[6] = kSigned16Bit;
    out[7] = header.channels;
    put(header.sample_rate_hz, out, 8);
    put(header.recording_id, out, 12);
    put(header.first_sample, out, 20);
    put(header.sample_count, out, 24);
    put(crc32(body, crc32(out.first(kCrcOffset))), out, kCrcOffset);
}

std::size_t encode_chunk(const ChunkHeader& header, Bytes body, WritableBytes out) {
    if (out.size() < kHeaderBytes || out.size() - kHeaderBytes < body.size()) return 0;
    std::copy(body.begin(), body.end(), out.begin() + kHeaderBytes);
    encode_header(header, body, out.first<kHeaderBytes>());
    return kHeaderBytes + body.size();
}

Bytes body_of(std::span<const std::int16_t> samples) {
    return {reinterpret_cast<const std::uint8_t*>(samples.data()), samples.size_bytes()};
}

RecordingName recording_name(std::uint64_t recording_id) {
    RecordingName name;
    name.append_hex(recording_id, 16);
    return name;
}

std::optional<std::uint64_t> recording_id(std::string_view name) {
    if (name.size() != 16) return std::nullopt;
    std::uint64_t number = 0;
    for (const char digit : name) {
        const std::size_t value = std::string_view("0123456789abcdef").find(digit);
        if (value == std::string_view::npos) return std::nullopt;
        number = number << 4 | value;
    }
    return number;
}

}  // namespace stetho
