// Time of day of the device: by what certificates are checked until a time server answers.
//
// A chip starts in 1970, and TLS would trust no certificate then. So its clock starts at the latest time that
// is surely over: when the settings were made, when the device last knew the time, when its CA was made.
// Nothing else goes by that clock: recordings have a time only once a time server has answered.
#include <algorithm>
#include <array>
#include <charconv>

#include "core/device/device.h"
#include "core/wire/certificate_date.h"

namespace stetho {
namespace {

constexpr std::string_view kTimeKey = "time";
constexpr std::int64_t kDayS = 86'400;
constexpr std::int64_t kSameDayS = kDayS / 2;  // a CA and the broker's certificate are made on one day

std::int64_t stored_time_s(hal::Storage& storage) {
    std::array<char, 12> text{};
    const auto size = storage.get(kTimeKey, text);
    std::int64_t time_s = 0;
    if (size && *size <= text.size()) std::from_chars(text.data(), text.data() + *size, time_s);
    return time_s;
}

}  // namespace

void Device::start_clock() {
    std::int64_t time_s = std::max<std::int64_t>(stored_time_s(hardware_.storage), settings_.time_s);
    if (const auto from = valid_from(settings_.ca)) time_s = std::max(time_s, *from + kSameDayS);
    hardware_.clock.start_at(time_s * 1'000);
}

// Stores the time, at most once a day: flash wears.
void Device::store_time() {
    const auto now = hardware_.clock.utc_ms();
    if (!now || given_ != nullptr) return;
    const std::int64_t now_s = *now / 1'000;
    if (now_s < stored_time_s(hardware_.storage) + kDayS) return;
    hardware_.storage.put(kTimeKey, FixedString<12>().append_number(now_s));
}

}  // namespace stetho
