// Reader of the shared vectors of tests/vectors, which hold C++ and Python to the same results.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

#include "core/wire/json_reader.h"
#include "tests/hex.h"

namespace stetho::test {

// Returns the bytes of a file of tests/vectors; empty if it does not exist.
inline std::vector<std::uint8_t> read_vectors(const char* name) {
    FixedString<200> path(STETHO_VECTORS "/");
    path.append(name);
    std::vector<std::uint8_t> bytes;
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) return bytes;
    std::uint8_t block[512];
    for (std::size_t count = 0; (count = std::fread(block, 1, sizeof block, file)) > 0;) {
        bytes.insert(bytes.end(), block, block + count);
    }
    std::fclose(file);
    return bytes;
}

// Calls `each(reader)` for each element of the array that begins at the current token.
template <class Each>
void read_array(JsonReader& reader, Each each) {
    while (reader.next() != JsonToken::kEndArray && reader.token() != JsonToken::kError) {
        each(reader);
        reader.skip();
    }
}

// Calls `member(key, reader)` for each member of the object that begins at the current token.
template <class Member>
void read_members(JsonReader& reader, Member member) {
    while (reader.next() == JsonToken::kKey) {
        const std::string_view key = reader.raw();
        reader.next();
        member(key, reader);
        reader.skip();
    }
}

inline Bytes bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view text_of(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace stetho::test
