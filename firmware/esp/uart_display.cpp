#include "esp/uart_display.h"

#include <cstdio>

#include "core/display/text_renderer.h"

namespace stetho::esp {
namespace {

constexpr std::uint64_t kMinIntervalMs = 500;

bool has_other_title(const Screen& one, const Screen& other) {
    return one.rows().empty() || other.rows().empty() || !(one.rows()[0].text == other.rows()[0].text);
}

}  // namespace

void UartDisplay::show(const Screen& screen, std::uint64_t now_ms) {
    const bool is_due = now_ms - shown_at_ms_ >= kMinIntervalMs || has_other_title(screen, shown_);
    if (!is_due || has_same_text(screen, shown_)) {
        return;
    }
    std::puts(text_border(true).c_str());
    for (const Row& row : screen.rows()) {
        if (row.style != Style::kSpace) {
            std::puts(text_row(row).c_str());
        }
    }
    std::puts(text_border(false).c_str());
    shown_ = screen;
    shown_at_ms_ = now_ms;
}

}  // namespace stetho::esp
