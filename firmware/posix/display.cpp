#include "posix/display.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>

#include "core/display/text_renderer.h"
#include "posix/png.h"

namespace stetho::posix {
namespace {

constexpr std::uint64_t kRefreshMs = 100;
constexpr std::uint64_t kPrintMs = 500;

bool has_other_title(const Screen& one, const Screen& other) {
    return one.rows().empty() || other.rows().empty() || !(one.rows()[0].text == other.rows()[0].text);
}

}  // namespace

Display::Display(std::filesystem::path directory, bool is_quiet)
    : directory_(std::move(directory)), is_quiet_(is_quiet), driver_(chip_) {
    if (!directory_.empty()) std::filesystem::create_directories(directory_);
}

void Display::show(const Device& device, std::uint64_t now_ms) {
    if (now_ms - shown_at_ms_ < kRefreshMs && shown_at_ms_ != 0) return;
    shown_at_ms_ = now_ms;
    task_.start([this, &device, now_ms] { draw(device, now_ms); });
    task_.join();
}

void Display::draw(const Device& device, std::uint64_t now_ms) {
    driver_.set_power(device.is_display_on());
    driver_.show(device.canvas(), now_ms);
    const Canvas canvas = chip_.visible_canvas();
    if (!(canvas == canvas_)) {
        canvas_ = canvas;
        if (!directory_.empty()) save(canvas, device.state());
    }
    if (!is_quiet_) print(device.screen(), now_ms);
}

void Display::plug(bool is_plugged) {
    chip_.unplug(!is_plugged);
    if (!is_plugged) chip_.lose_power();
}

void Display::save(const Canvas& canvas, State state) {
    std::array<char, 64> name{};
    std::snprintf(name.data(), name.size(), "%04d-%.*s.png", ++pictures_,
                  static_cast<int>(to_string(state).size()), to_string(state).data());
    const auto bytes = encode_png(canvas);
    std::ofstream file(directory_ / name.data(), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file) throw std::runtime_error(directory_.string() + " cannot be written to");
}

// Prints a screen that changes twice a second, one with another title at once.
void Display::print(const Screen& screen, std::uint64_t now_ms) {
    if (has_same_text(screen, screen_) ||
        (now_ms - printed_at_ms_ < kPrintMs && !has_other_title(screen, screen_)))
        return;
    std::string text(text_border(true).view());
    for (const Row& row : screen.rows()) {
        if (row.style != Style::kSpace) text.append("\n").append(text_row(row).view());
    }
    text.append("\n").append(text_border(false).view()).append("\n");
    std::fputs(text.c_str(), stderr);
    screen_ = screen;
    printed_at_ms_ = now_ms;
}

}  // namespace stetho::posix
