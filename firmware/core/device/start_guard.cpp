#include "core/device/start_guard.h"

#include <algorithm>
#include <array>

#include "core/wire/fixed_string.h"

namespace stetho {
namespace {

constexpr std::string_view kKey = "failed_starts";
constexpr int kMostCounted = 9;  // one digit

bool is_crash(std::string_view reset_reason) {
    return reset_reason == "panic" || reset_reason == "watchdog" || reset_reason == "brownout";
}

}  // namespace

void StartGuard::begin(std::string_view reset_reason) {
    std::array<char, 2> value{};
    const auto size = storage_.get(kKey, value);
    const bool is_count = size == 1 && value[0] >= '0' && value[0] <= '9';
    failed_ = is_count ? value[0] - '0' : 0;
    has_worked_ = false;
    store(is_crash(reset_reason) ? std::min(failed_ + 1, kMostCounted) : 0);
}

void StartGuard::tick(std::uint64_t up_ms, std::uint64_t online_ms) {
    if (has_worked_ || is_safe_mode() || (up_ms < kUpMs && online_ms < kOnlineMs)) return;
    has_worked_ = true;
    store(0);
}

// Stores the count if it is another: a device that never crashes writes nothing.
void StartGuard::store(int failed) {
    if (failed == failed_) return;
    failed_ = failed;
    storage_.put(kKey, FixedString<2>().append_number(failed));
}

}  // namespace stetho
