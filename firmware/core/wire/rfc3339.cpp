#include "core/wire/rfc3339.h"

#include <algorithm>

namespace stetho {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::int64_t kLastMs = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z

struct Date {
    std::int32_t year;
    std::int32_t month;  // 1..12
    std::int32_t day;    // 1..31
};

// Returns the date of a day since 1970-01-01 in the Gregorian calendar. Counts in eras of 400 years that
// begin in March, so that the leap day ends its year (H. Hinnant, "chrono-compatible low-level date
// algorithms").
Date date_of(std::int32_t day_since_1970) {
    const std::int32_t days = day_since_1970 + 719'468;  // since 0000-03-01
    const std::int32_t era = days / 146'097;
    const std::int32_t of_era = days % 146'097;
    const std::int32_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
    const std::int32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int32_t march_month = (5 * of_year + 2) / 153;
    const std::int32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
    return {400 * era + year_of_era + (month <= 2 ? 1 : 0), month, of_year - (153 * march_month + 2) / 5 + 1};
}

// Appends `number` with leading zeros.
void append_padded(FixedString<24>& text, std::int64_t number, int digits) {
    std::int64_t unit = 1;
    while (--digits > 0) unit *= 10;
    for (; unit > 0; unit /= 10) text.append(static_cast<char>('0' + number / unit % 10));
}

}  // namespace

FixedString<24> rfc3339(std::int64_t unix_ms) {
    const std::int64_t time_ms = std::clamp<std::int64_t>(unix_ms, 0, kLastMs);
    const Date date = date_of(static_cast<std::int32_t>(time_ms / kDayMs));
    const std::int64_t of_day_ms = time_ms % kDayMs;
    struct Part {
        std::int64_t number;
        int digits;
        char after;
    };
    const Part parts[] = {{date.year, 4, '-'},
                          {date.month, 2, '-'},
                          {date.day, 2, 'T'},
                          {of_day_ms / 3'600'000, 2, ':'},
                          {of_day_ms / 60'000 % 60, 2, ':'},
                          {of_day_ms / 1000 % 60, 2, '.'},
                          {of_day_ms % 1000, 3, 'Z'}};
    FixedString<24> text;
    for (const Part& part : parts) {
        append_padded(text, part.number, part.digits);
        text.append(part.after);
    }
    return text;
}

}  // namespace stetho
