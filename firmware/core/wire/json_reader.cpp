#include "core/wire/json_reader.h"

#include <charconv>
#include <limits>

namespace stetho {
namespace {

bool is_digit(char character) { return character >= '0' && character <= '9'; }

bool is_hex(char character) {
    return is_digit(character) || (character >= 'a' && character <= 'f') ||
           (character >= 'A' && character <= 'F');
}

// Returns the number of digits at the front of `text`.
std::size_t count_digits(std::string_view text) {
    std::size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    return count;
}

// Returns the length of the JSON number at the front of `text`; 0: there is none.
std::size_t measure_number(std::string_view text) {
    std::size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
    const std::size_t whole = count_digits(text.substr(at));
    if (whole == 0 || (whole > 1 && text[at] == '0')) return 0;
    at += whole;
    if (at < text.size() && text[at] == '.') {
        const std::size_t digits = count_digits(text.substr(at + 1));
        if (digits == 0) return 0;
        at += 1 + digits;
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        std::size_t from = at + 1;
        if (from < text.size() && (text[from] == '+' || text[from] == '-')) ++from;
        const std::size_t digits = count_digits(text.substr(from));
        if (digits == 0) return 0;
        at = from + digits;
    }
    return at;
}

// Returns the length of the escape (a backslash) at the front of `text`; 0: it is not a valid one.
std::size_t measure_escape(std::string_view text) {
    if (text.size() < 2) return 0;
    if (std::string_view("\"\\/bfnrt").find(text[1]) != std::string_view::npos) return 2;
    if (text[1] != 'u' || text.size() < 6) return 0;
    for (const char digit : text.substr(2, 4)) {
        if (!is_hex(digit)) return 0;
    }
    return 6;
}

// Returns the character of the escape at the front of `text`, if the font has it.
char unescape(std::string_view text) {
    if (text[1] == '"' || text[1] == '\\' || text[1] == '/') return text[1];
    if (text[1] == 'n' || text[1] == 't' || text[1] == 'r') return ' ';
    if (text[1] != 'u') return '?';
    unsigned code = 0;
    std::from_chars(text.data() + 2, text.data() + 6, code, 16);
    return code >= 0x20 && code < 0x7F ? static_cast<char>(code) : '?';
}

// Returns the length in bytes of the UTF-8 character at the front of `text`, from its first byte.
std::size_t measure_character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    const std::size_t count = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    return std::min(count, text.size());
}

// Returns the exponent in `text` ("-12"), limited to +-1000: beyond that every number is zero or out of
// range.
int exponent(std::string_view text) {
    const bool is_negative = text[0] == '-';
    if (is_negative || text[0] == '+') text.remove_prefix(1);
    int size = 0;
    for (const char digit : text) size = std::min(1000, 10 * size + (digit - '0'));
    return is_negative ? -size : size;
}

struct Decimal {
    std::int64_t digits = 0;  // at most 18 of them
    int power = 0;            // value = digits * 10^power
};

// Returns the number in `text` ("12.345"), with digits after the 17th cut off.
Decimal read_decimal(std::string_view text) {
    constexpr std::int64_t kEnough = 100'000'000'000'000'000;
    Decimal decimal;
    bool is_fraction = false;
    for (const char character : text) {
        if (character == '.') {
            is_fraction = true;
        } else if (decimal.digits < kEnough) {
            decimal.digits = 10 * decimal.digits + (character - '0');
            decimal.power -= is_fraction ? 1 : 0;
        } else {
            decimal.power += is_fraction ? 0 : 1;
        }
    }
    return decimal;
}

// Returns `decimal` as a whole number: rounded half up, limited to 32 bits.
std::int32_t round_decimal(Decimal decimal) {
    constexpr std::int64_t kMost = std::numeric_limits<std::int32_t>::max();
    std::int64_t value = decimal.digits;
    for (int power = decimal.power; power > 0 && value != 0 && value <= kMost; --power) value *= 10;
    for (int power = decimal.power; power < -1 && value != 0; ++power) value /= 10;
    if (decimal.power < 0) value = (value + 5) / 10;
    return static_cast<std::int32_t>(std::min(value, kMost));
}

}  // namespace

JsonReader::JsonReader(Bytes json) : json_(reinterpret_cast<const char*>(json.data()), json.size()) {}

JsonToken JsonReader::next() {
    if (token_ == JsonToken::kError || token_ == JsonToken::kEnd) return token_;
    skip_space();
    if (at_ == json_.size()) return expect_ == Expect::kNothing ? (token_ = JsonToken::kEnd) : fail();
    const char front = json_[at_];
    if (front == '}' || front == ']') return close(front == '}');
    if (expect_ == Expect::kCommaOrEnd) {
        if (front != ',') return fail();
        ++at_;
        expect_ = is_in_object() ? Expect::kKey : Expect::kValue;
        skip_space();
        if (at_ == json_.size()) return fail();
    }
    switch (expect_) {
        case Expect::kKey:
        case Expect::kKeyOrEnd:
            return take_key();
        case Expect::kValue:
        case Expect::kValueOrEnd:
            return take_value();
        default:
            return fail();
    }
}

JsonToken JsonReader::take_value() {
    switch (json_[at_]) {
        case '{':
            return open(true);
        case '[':
            return open(false);
        case '"':
            return take_string() ? after_value(JsonToken::kString) : fail();
        case 't':
            return take_word("true", JsonToken::kTrue);
        case 'f':
            return take_word("false", JsonToken::kFalse);
        case 'n':
            return take_word("null", JsonToken::kNull);
        default:
            return take_number();
    }
}

JsonToken JsonReader::take_key() {
    if (json_[at_] != '"' || !take_string()) return fail();
    skip_space();
    if (at_ == json_.size() || json_[at_] != ':') return fail();
    ++at_;
    expect_ = Expect::kValue;
    return token_ = JsonToken::kKey;
}

bool JsonReader::take_string() {
    const std::size_t start = ++at_;
    while (at_ < json_.size() && json_[at_] != '"') {
        const std::string_view rest = json_.substr(at_);
        const bool is_control = static_cast<unsigned char>(rest[0]) < 0x20;
        const std::size_t count = rest[0] == '\\' ? measure_escape(rest) : is_control ? 0 : 1;
        if (count == 0) return false;
        at_ += count;
    }
    if (at_ == json_.size()) return false;
    raw_ = json_.substr(start, at_ - start);
    ++at_;
    return true;
}

JsonToken JsonReader::take_number() {
    const std::size_t count = measure_number(json_.substr(at_));
    if (count == 0) return fail();
    raw_ = json_.substr(at_, count);
    at_ += count;
    return after_value(JsonToken::kNumber);
}

JsonToken JsonReader::take_word(std::string_view word, JsonToken kind) {
    if (!json_.substr(at_).starts_with(word)) return fail();
    at_ += word.size();
    return after_value(kind);
}

JsonToken JsonReader::open(bool is_object) {
    if (depth_ == kMaxDepth) return fail();
    const std::uint32_t bit = 1U << depth_;
    objects_ = is_object ? objects_ | bit : objects_ & ~bit;
    ++depth_;
    ++at_;
    expect_ = is_object ? Expect::kKeyOrEnd : Expect::kValueOrEnd;
    return token_ = is_object ? JsonToken::kBeginObject : JsonToken::kBeginArray;
}

JsonToken JsonReader::close(bool is_object) {
    const Expect empty = is_object ? Expect::kKeyOrEnd : Expect::kValueOrEnd;
    if (depth_ == 0 || is_in_object() != is_object) return fail();
    if (expect_ != empty && expect_ != Expect::kCommaOrEnd) return fail();
    --depth_;
    ++at_;
    return after_value(is_object ? JsonToken::kEndObject : JsonToken::kEndArray);
}

JsonToken JsonReader::after_value(JsonToken token) {
    expect_ = depth_ == 0 ? Expect::kNothing : Expect::kCommaOrEnd;
    return token_ = token;
}

JsonToken JsonReader::fail() { return token_ = JsonToken::kError; }

void JsonReader::skip_space() {
    while (at_ < json_.size() && std::string_view(" \t\r\n").find(json_[at_]) != std::string_view::npos)
        ++at_;
}

bool JsonReader::skip() {
    if (token_ == JsonToken::kKey) next();
    if (token_ == JsonToken::kEndObject || token_ == JsonToken::kEndArray) return true;
    unsigned open_levels = 0;
    do {
        if (token_ == JsonToken::kError || token_ == JsonToken::kEnd) return false;
        if (token_ == JsonToken::kBeginObject || token_ == JsonToken::kBeginArray) ++open_levels;
        if (token_ == JsonToken::kEndObject || token_ == JsonToken::kEndArray) --open_levels;
        if (open_levels != 0) next();
    } while (open_levels != 0);
    return true;
}

std::size_t JsonReader::copy_string(std::span<char> out) const {
    std::size_t count = 0;
    for (std::size_t at = 0; at < raw_.size() && count < out.size(); ++count) {
        const std::string_view rest = raw_.substr(at);
        const bool is_escape = rest[0] == '\\';
        const bool is_plain = rest[0] >= 0x20 && rest[0] < 0x7F;
        out[count] = is_escape ? unescape(rest) : is_plain ? rest[0] : '?';
        at += is_escape ? measure_escape(rest) : measure_character(rest);
    }
    return count;
}

std::optional<std::int64_t> JsonReader::integer() const {
    if (token_ != JsonToken::kNumber) return std::nullopt;
    std::int64_t number = 0;
    const char* end = raw_.data() + raw_.size();
    const auto parsed = std::from_chars(raw_.data(), end, number);
    if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
    return number;
}

std::optional<std::int32_t> JsonReader::thousandths() const {
    if (token_ != JsonToken::kNumber) return std::nullopt;
    const bool is_negative = raw_[0] == '-';
    const std::string_view text = raw_.substr(is_negative ? 1 : 0);
    const std::size_t power_at = text.find_first_of("eE");
    Decimal decimal = read_decimal(text.substr(0, power_at));
    if (power_at != std::string_view::npos) decimal.power += exponent(text.substr(power_at + 1));
    decimal.power += 3;
    const std::int32_t size = round_decimal(decimal);
    return is_negative ? -size : size;
}

}  // namespace stetho
