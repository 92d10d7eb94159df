#include "core/wire/certificate_date.h"

#include <array>
#include <cstddef>
#include <span>

#include "core/wire/bytes.h"

namespace stetho {
namespace {

// As much of a certificate as may come before its dates: serial number, algorithm, and the issuer's name.
constexpr std::size_t kHeadBytes = 640;

enum Tag : std::uint8_t { kInteger = 0x02, kUtcTime = 0x17, kTime = 0x18, kSequence = 0x30, kVersion = 0xa0 };

int base64_digit(char letter) {
    if (letter >= 'A' && letter <= 'Z') return letter - 'A';
    if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9') return letter - '0' + 52;
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

// Decodes the beginning of the first certificate of `pem`, as far as `out` holds it.
Bytes decode_head(std::string_view pem, std::span<std::uint8_t> out) {
    constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
    const std::size_t begin = pem.find(kBegin);
    if (begin == std::string_view::npos) return {};
    std::size_t size = 0;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char letter : pem.substr(begin + kBegin.size())) {
        if (letter == '=' || letter == '-' || size == out.size()) break;
        const int digit = base64_digit(letter);
        if (digit < 0) continue;  // the end of a line
        bits = (bits << 6 | static_cast<std::uint32_t>(digit)) & 0xffffU;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        out[size++] = static_cast<std::uint8_t>(bits >> count);
    }
    return out.first(size);
}

// Reader of DER, of which the end may be missing.
class DerReader {
  public:
    explicit DerReader(Bytes bytes) : left_(bytes) {}

    bool is_next(Tag tag) const { return !left_.empty() && left_[0] == tag; }

    // Goes into the next element. False: it has another tag, or is damaged.
    bool enter(Tag tag) { return is_next(tag) && take_head().has_value(); }

    // Goes past the next element.
    bool skip(Tag tag) {
        if (!is_next(tag)) return false;
        const auto length = take_head();
        if (!length || *length > left_.size()) return false;
        left_ = left_.subspan(*length);
        return true;
    }

    Bytes left() const { return left_; }

  private:
    std::optional<std::size_t> take_head() {
        if (left_.size() < 2) return std::nullopt;
        std::size_t length = left_[1];
        std::size_t more = 0;
        if (length >= 0x80) {
            more = length & 0x7fU;
            if (more == 0 || more > 2 || left_.size() < 2 + more) return std::nullopt;
            length = 0;
            for (std::size_t at = 0; at < more; ++at) length = length << 8 | left_[2 + at];
        }
        left_ = left_.subspan(2 + more);
        return length;
    }

    Bytes left_;
};

// Reads `count` digits at `at`; nothing if one of them is none.
std::optional<int> digits(Bytes text, std::size_t at, std::size_t count) {
    if (at + count > text.size()) return std::nullopt;
    int number = 0;
    for (const std::uint8_t letter : text.subspan(at, count)) {
        if (letter < '0' || letter > '9') return std::nullopt;
        number = number * 10 + (letter - '0');
    }
    return number;
}

// Returns the days from 1970-01-01 to a date (H. Hinnant, "chrono-compatible low-level date algorithms").
std::int64_t days_to(int year, int month, int day) {
    year -= month <= 2 ? 1 : 0;
    const int era = year / 400;
    const int year_of_era = year - era * 400;
    const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return std::int64_t{era} * 146'097 + day_of_era - 719'468;
}

// Reads "YYMMDDHHMMSS" or "YYYYMMDDHHMMSS" (RFC 5280, 4.1.2.5).
std::optional<std::int64_t> read_time(Bytes text, bool has_century) {
    const std::size_t rest = has_century ? 4 : 2;
    const auto year = digits(text, 0, rest);
    if (!year) return std::nullopt;
    std::array<int, 5> parts{};  // month, day, hour, minute, second
    for (std::size_t part = 0; part < parts.size(); ++part) {
        const auto number = digits(text, rest + 2 * part, 2);
        if (!number) return std::nullopt;
        parts[part] = *number;
    }
    const auto [month, day, hour, minute, second] = parts;
    if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
        return std::nullopt;
    const int full_year = has_century ? *year : *year + (*year < 50 ? 2000 : 1900);
    return ((days_to(full_year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
}

}  // namespace

std::optional<std::int64_t> valid_from(std::string_view pem) {
    std::array<std::uint8_t, kHeadBytes> head;
    DerReader reader(decode_head(pem, head));
    if (!reader.enter(kSequence) || !reader.enter(kSequence)) return std::nullopt;
    if (reader.is_next(kVersion) && !reader.skip(kVersion)) return std::nullopt;
    // serial number, algorithm of the signature, issuer
    if (!reader.skip(kInteger) || !reader.skip(kSequence) || !reader.skip(kSequence)) return std::nullopt;
    if (!reader.enter(kSequence)) return std::nullopt;
    const bool has_century = reader.is_next(kTime);
    if (!reader.enter(has_century ? kTime : kUtcTime)) return std::nullopt;
    return read_time(reader.left(), has_century);
}

}  // namespace stetho
