// Fuzz target of the JSON reader: it ends, stays in its bounds, and a document that it accepts is complete.
#include <array>
#include <cstdlib>

#include "core/wire/json_reader.h"

using stetho::JsonReader;
using stetho::JsonToken;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    JsonReader reader({data, size});
    std::size_t tokens = 0;
    int depth = 0;
    std::array<char, 16> text;
    JsonToken token = reader.next();
    for (; token != JsonToken::kEnd && token != JsonToken::kError; token = reader.next()) {
        if (++tokens > size) std::abort();
        depth += token == JsonToken::kBeginObject || token == JsonToken::kBeginArray ? 1 : 0;
        depth -= token == JsonToken::kEndObject || token == JsonToken::kEndArray ? 1 : 0;
        if (depth < 0 || depth > JsonReader::kMaxDepth) std::abort();
        if (token == JsonToken::kString || token == JsonToken::kKey) reader.copy_string(text);
        const auto integer = reader.integer();
        const auto thousandths = reader.thousandths();
        const bool is_small = integer && *integer > -2'000'000 && *integer < 2'000'000;
        if (is_small && thousandths != static_cast<std::int32_t>(*integer * 1000)) std::abort();
    }
    if (token == JsonToken::kEnd && depth != 0) std::abort();
    if (reader.next() != token) std::abort();
    return 0;
}
