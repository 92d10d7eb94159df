// Pull parser of JSON (RFC 8259) over bytes: no heap, no recursion, at most `JsonReader::kMaxDepth` levels. A
// document that is cut off or malformed ends in `kError`, and the reader stays there. UTF-8 is not validated:
// only ASCII is ever shown. One thread per reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/wire/bytes.h"
#include "core/wire/fixed_string.h"

namespace stetho {

enum class JsonToken : std::uint8_t {
    kBeginObject,
    kEndObject,
    kBeginArray,
    kEndArray,
    kKey,
    kString,
    kNumber,
    kTrue,
    kFalse,
    kNull,
    kEnd,    // the document is complete
    kError,  // malformed, or nested too deeply
};

class JsonReader {
  public:
    static constexpr std::uint8_t kMaxDepth = 16;

    // `json` must outlive the reader.
    explicit JsonReader(Bytes json);

    // Reads the next token and returns it.
    JsonToken next();
    // Returns the token that `next` returned last.
    JsonToken token() const { return token_; }

    // Skips the value that begins with the current token (for a key: its value). A token that ends a nested
    // value skips nothing. Returns false if the document is malformed.
    bool skip();

    // Returns the current key, string (between its quotes, escapes as written) or number, as it stands in the
    // document.
    std::string_view raw() const { return raw_; }
    // Returns whether the current key or string equals `text`. A key with escapes equals nothing: the keys of
    // the protocol have none.
    bool is(std::string_view text) const { return raw_ == text; }
    // The same for a value of any kind: only a string equals `text`.
    bool is_string(std::string_view text) const { return token_ == JsonToken::kString && raw_ == text; }

    // Copies the current string, without escapes and cut to `out`. Returns the number of characters written.
    // Each character that is not printable ASCII becomes one '?': the fonts have no other.
    std::size_t copy_string(std::span<char> out) const;

    // Returns the current number as an integer; nothing if it is not a whole number of 64 bits.
    std::optional<std::int64_t> integer() const;
    // Returns the current number times 1000, rounded half away from zero and limited to 32 bits: 0.985 is
    // 985. A screen needs no floating point. Nothing if the token is not a number.
    std::optional<std::int32_t> thousandths() const;

  private:
    JsonToken take_value();
    JsonToken take_key();
    bool take_string();
    JsonToken take_number();
    JsonToken take_word(std::string_view word, JsonToken kind);
    JsonToken open(bool is_object);
    JsonToken close(bool is_object);
    JsonToken after_value(JsonToken token);
    JsonToken fail();
    void skip_space();
    bool is_in_object() const { return (objects_ >> (depth_ - 1U) & 1U) != 0; }

    std::string_view json_;
    std::size_t at_ = 0;
    std::string_view raw_;
    JsonToken token_ = JsonToken::kNull;
    std::uint32_t objects_ = 0;  // bit n: level n is an object, else an array
    std::uint8_t depth_ = 0;
    enum class Expect : std::uint8_t { kValue, kValueOrEnd, kKey, kKeyOrEnd, kCommaOrEnd, kNothing };
    Expect expect_ = Expect::kValue;
};

// Copies the current string into `text` and returns true; false, with `text` unchanged, if the token is not a
// string.
template <std::size_t Capacity>
bool read_text(const JsonReader& reader, FixedString<Capacity>& text) {
    if (reader.token() != JsonToken::kString) return false;
    char characters[Capacity];
    text = FixedString<Capacity>(std::string_view(characters, reader.copy_string(characters)));
    return true;
}

// Reads a document that is one object: calls `member(key, reader)` for each member, with the reader on the
// first token of its value. A value that `member` does not read is skipped; a nested value is read to its end
// or not at all. Returns whether the document is complete and valid.
template <class Member>
bool read_object(Bytes json, Member member) {
    JsonReader reader(json);
    if (reader.next() != JsonToken::kBeginObject) return false;
    while (reader.next() == JsonToken::kKey) {
        const std::string_view key = reader.raw();
        reader.next();
        member(key, reader);
        if (!reader.skip()) return false;
    }
    return reader.token() == JsonToken::kEndObject && reader.next() == JsonToken::kEnd;
}

}  // namespace stetho
