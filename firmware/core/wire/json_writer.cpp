#include "core/wire/json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace stetho {

JsonWriter& JsonWriter::begin_object() {
    separate();
    put('{');
    needs_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_object() {
    put('}');
    needs_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::begin_array() {
    separate();
    put('[');
    needs_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::end_array() {
    put(']');
    needs_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
    string(name);
    put(':');
    needs_comma_ = false;
    return *this;
}

JsonWriter& JsonWriter::string(std::string_view text) {
    separate();
    put('"');
    for (const char character : text) {
        if (character == '"' || character == '\\') put('\\');
        put(character >= 0x20 && character < 0x7F ? character : '?');
    }
    put('"');
    needs_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::integer(std::int64_t value) {
    separate();
    std::array<char, 20> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    put({digits.data(), static_cast<std::size_t>(end - digits.data())});
    needs_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::boolean(bool value) {
    separate();
    put(value ? "true" : "false");
    needs_comma_ = true;
    return *this;
}

JsonWriter& JsonWriter::null() {
    separate();
    put("null");
    needs_comma_ = true;
    return *this;
}

void JsonWriter::separate() {
    if (needs_comma_) put(',');
}

void JsonWriter::put(char character) { put(std::string_view(&character, 1)); }

void JsonWriter::put(std::string_view text) {
    ok_ = ok_ && text.size() <= out_.size() - size_;
    if (!ok_) return;
    std::copy(text.begin(), text.end(), out_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += text.size();
}

}  // namespace stetho
