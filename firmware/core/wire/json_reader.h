// A pull reader of JSON (RFC 8259) over bytes: no heap, no recursion, at most `JsonReader::kMaxDepth` levels.
// A document that is cut off or malformed ends in `kError`, and stays there. Whether text is valid UTF-8 is
// not asked: nothing but ASCII is ever shown. One thread per reader.
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
    kEnd,    // the document is over and whole
    kError,  // it is not JSON, or too deep
};

class JsonReader {
  public:
    static constexpr std::uint8_t kMaxDepth = 16;

    // `json` must stay where it is as long as the reader is used.
    explicit JsonReader(Bytes json);

    // Reads the next token and returns it.
    JsonToken next();
    // The token that `next` returned last.
    JsonToken token() const { return token_; }

    // Passes over the value that begins with the current token (a key: over its value), unless the token ends
    // a nested value: that is over already. False: malformed.
    bool skip();

    // The current key, string (between its quotes, escapes as written) or number, as it stands in the
    // document.
    std::string_view raw() const { return raw_; }
    // Whether the current key or string reads `text`. A key with escapes equals nothing: ours have none.
    bool is(std::string_view text) const { return raw_ == text; }
    // The same for a value that may be anything: only a string reads `text`.
    bool is_string(std::string_view text) const { return token_ == JsonToken::kString && raw_ == text; }

    // The current string without escapes, cut to `out`; returns how many characters were written. What is not
    // printable ASCII becomes one '?' each: the font has nothing else.
    std::size_t copy_string(std::span<char> out) const;

    // The current number as an integer; nothing when it is not a whole number of 64 bits.
    std::optional<std::int64_t> integer() const;
    // The current number times 1000, rounded half away from zero and cut to 32 bits: 0.985 is 985. Floating
    // point is not needed for what a screen shows. Nothing when the token is no number.
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

// Reads the current string into `text` and returns true; false (and `text` as it was) when it is no string.
template <std::size_t Capacity>
bool read_text(const JsonReader& reader, FixedString<Capacity>& text) {
    if (reader.token() != JsonToken::kString) return false;
    char characters[Capacity];
    text = FixedString<Capacity>(std::string_view(characters, reader.copy_string(characters)));
    return true;
}

// Reads one object that is the whole document: calls `member(key, reader)` for each member, with the reader
// on the first token of its value. What is
// not read is skipped, so `member` may ignore it; a nested value is read to its end or not at all. Returns
// whether the document is whole.
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
