#include "esp/uart_display.h"

#include <cstdio>

#include "core/display/frame.h"

namespace stetho::esp {
namespace {

constexpr std::uint64_t kNotOftenerThanMs = 500;

bool has_other_title(const Screen& one, const Screen& other) {
    return one.rows().empty() || other.rows().empty() || !(one.rows()[0].text == other.rows()[0].text);
}

}  // namespace

void UartDisplay::show(const Screen& screen, std::uint64_t now_ms) {
    const bool is_due = now_ms - shown_at_ms_ >= kNotOftenerThanMs || has_other_title(screen, shown_);
    if (!is_due || reads_same(screen, shown_)) {
        return;
    }
    std::puts(frame_edge(true).c_str());
    for (const Row& row : screen.rows()) {
        if (row.style != Style::kSpace) {
            std::puts(frame_line(row).c_str());
        }
    }
    std::puts(frame_edge(false).c_str());
    shown_ = screen;
    shown_at_ms_ = now_ms;
}

}  // namespace stetho::esp
