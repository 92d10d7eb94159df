#include "core/wire/chunk.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>

#include "tests/test_vector.h"

using namespace stetho;

namespace {

struct Case {
    std::string_view name;
    std::vector<std::uint8_t> payload;
    std::string_view reason;
    ChunkHeader header;
    std::vector<std::uint8_t> body;
};

void read_header(JsonReader& reader, Case& found) {
    test::read_members(reader, [&](std::string_view key, JsonReader& value) {
        const auto number = value.integer().value_or(0);
        ChunkHeader& header = found.header;
        if (key == "type") header.type = ChunkType{static_cast<std::uint8_t>(number)};
        if (key == "flags") header.flags = static_cast<std::uint8_t>(number);
        if (key == "channels") header.channels = static_cast<std::uint8_t>(number);
        if (key == "sample_rate") header.sample_rate_hz = static_cast<std::uint32_t>(number);
        if (key == "recording_id") header.recording_id = recording_id(value.raw()).value();
        if (key == "first_sample") header.first_sample = static_cast<std::uint32_t>(number);
        if (key == "sample_count") header.sample_count = static_cast<std::uint32_t>(number);
        if (key == "body") found.body = test::from_hex(value.raw());
    });
}

Case read_case(JsonReader& reader) {
    Case found;
    test::read_members(reader, [&](std::string_view key, JsonReader& value) {
        if (key == "name") found.name = value.raw();
        if (key == "payload") found.payload = test::from_hex(value.raw());
        if (key == "reason") found.reason = value.raw();
        if (key == "chunk") read_header(value, found);
    });
    return found;
}

// Calls `check(case)` for each case of `list`; returns the number of cases.
template <class Check>
int for_each_case(std::string_view list, Check check) {
    static const auto file = test::read_vectors("chunks.json");
    int count = 0;
    read_object(file, [&](std::string_view key, JsonReader& lists) {
        if (key != list) return;
        test::read_array(lists, [&](JsonReader& reader) {
            check(read_case(reader));
            ++count;
        });
    });
    return count;
}

}  // namespace

TEST_CASE("the valid chunks of the shared vectors are decoded and encoded to the same bytes") {
    const int count = for_each_case("valid", [](const Case& valid) {
        CAPTURE(valid.name);
        const auto decoded = decode_chunk(valid.payload);
        REQUIRE(decoded.chunk);
        const ChunkHeader& header = decoded.chunk->header;
        CHECK(header.type == valid.header.type);
        CHECK(header.flags == valid.header.flags);
        CHECK(header.channels == valid.header.channels);
        CHECK(header.sample_rate_hz == valid.header.sample_rate_hz);
        CHECK(header.recording_id == valid.header.recording_id);
        CHECK(header.first_sample == valid.header.first_sample);
        CHECK(header.sample_count == valid.header.sample_count);
        CHECK(std::ranges::equal(decoded.chunk->body, valid.body));
        std::vector<std::uint8_t> again(valid.payload.size());
        CHECK(encode_chunk(valid.header, valid.body, again) == again.size());
        CHECK(again == valid.payload);
    });
    CHECK(count >= 9);
}

TEST_CASE("the invalid chunks of the shared vectors are refused for the same reasons") {
    const int count = for_each_case("invalid", [](const Case& invalid) {
        CAPTURE(invalid.name);
        const auto decoded = decode_chunk(invalid.payload);
        CHECK_FALSE(decoded.chunk);
        CHECK(to_string(decoded.error) == invalid.reason);
    });
    CHECK(count >= 23);
}

TEST_CASE("a flipped bit anywhere is noticed") {
    std::array<std::uint8_t, kHeaderBytes + 6> payload;
    const std::array<std::int16_t, 3> samples{1, -2, 3};
    const ChunkHeader header{.sample_rate_hz = 4'000, .recording_id = 7, .sample_count = 3};
    REQUIRE(encode_chunk(header, body_of(samples), payload) == payload.size());
    for (std::size_t bit = 0; bit < 8 * payload.size(); ++bit) {
        const auto mask = static_cast<std::uint8_t>(1U << bit % 8);
        payload[bit / 8] ^= mask;
        CHECK_FALSE(decode_chunk(payload).chunk);
        payload[bit / 8] ^= mask;
    }
    CHECK(decode_chunk(payload).chunk);
}

TEST_CASE("a chunk that does not fit is not written at all") {
    std::array<std::uint8_t, kHeaderBytes + 2> out{};
    const std::array<std::int16_t, 2> samples{1, 2};
    const ChunkHeader header{.sample_count = 2};
    CHECK(encode_chunk(header, body_of(samples), out) == 0);
    CHECK(encode_chunk(header, {}, std::span(out).first(kHeaderBytes - 1)) == 0);
    CHECK(std::ranges::all_of(out, [](std::uint8_t byte) { return byte == 0; }));
}

TEST_CASE("samples lie in the body as signed 16-bit little endian") {
    const std::array<std::int16_t, 2> samples{0x0102, -2};
    const std::array<std::uint8_t, 4> expected{0x02, 0x01, 0xFE, 0xFF};
    CHECK(std::ranges::equal(body_of(samples), expected));
}

TEST_CASE("recording ids are 16 lower-case hexadecimal digits") {
    CHECK(recording_name(0x9f0c1122aabbccdd).view() == "9f0c1122aabbccdd");
    CHECK(recording_name(1).view() == "0000000000000001");
    CHECK(recording_id("9f0c1122aabbccdd") == 0x9f0c1122aabbccdd);
    CHECK(recording_id("0000000000000000") == 0);
    for (const char* wrong :
         {"", "9f0c1122aabbccd", "9f0c1122aabbccdd0", "9F0C1122AABBCCDD", "9f0c1122aabbccdg"}) {
        CHECK_FALSE(recording_id(wrong));
    }
}

TEST_CASE("a body of 65,536 bytes is taken, one sample more is refused") {
    std::vector<std::uint8_t> payload(kHeaderBytes + kMaxBodyBytes + 2);
    const std::vector<std::int16_t> samples(kMaxBodyBytes / 2 + 1);
    for (const std::uint32_t count : {32'768U, 32'769U}) {
        const ChunkHeader header{.sample_rate_hz = 4'000, .sample_count = count};
        const std::size_t size = encode_chunk(header, body_of(std::span(samples).first(count)), payload);
        CHECK(decode_chunk(std::span(payload).first(size)).chunk.has_value() == (count == 32'768));
    }
}
