#include "core/device/debouncer.h"

namespace stetho {

ButtonPress Debouncer::update(bool is_down, std::uint64_t now_ms) {
    if (is_down != raw_) {
        raw_ = is_down;
        changed_at_ms_ = now_ms;
    }
    if (raw_ != is_down_ && now_ms - changed_at_ms_ >= stable_ms_) return settle(now_ms);
    if (is_down_ && raw_ && !is_told_ && now_ms - down_at_ms_ >= long_ms_) {
        is_told_ = true;
        return ButtonPress::kLong;
    }
    return ButtonPress::kNone;
}

ButtonPress Debouncer::settle(std::uint64_t now_ms) {
    is_down_ = raw_;
    if (is_down_) {
        down_at_ms_ = now_ms;
        is_told_ = false;
        return ButtonPress::kNone;
    }
    return is_told_ ? ButtonPress::kNone : ButtonPress::kShort;
}

}  // namespace stetho
