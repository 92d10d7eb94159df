#include "posix/display.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>

#include "core/display/frame.h"
#include "posix/png.h"

namespace stetho::posix {
namespace {

constexpr std::uint64_t kFrameMs = 100;
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
    if (now_ms - shown_at_ms_ < kFrameMs && shown_at_ms_ != 0) return;
    shown_at_ms_ = now_ms;
    driver_.power(device.is_lit());
    driver_.show(device.screen());
    const Canvas glass = chip_.glass();
    if (!(glass == glass_)) {
        glass_ = glass;
        if (!directory_.empty()) save(glass, device.state());
    }
    if (!is_quiet_) print(device.words(), now_ms);
}

void Display::save(const Canvas& glass, State state) {
    std::array<char, 64> name{};
    std::snprintf(name.data(), name.size(), "%04d-%.*s.png", ++pictures_,
                  static_cast<int>(name_of(state).size()), name_of(state).data());
    const auto bytes = encode_png(glass);
    std::ofstream file(directory_ / name.data(), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!file) throw std::runtime_error(directory_.string() + " cannot be written to");
}

// A screen that moves is printed twice a second; one that is new, at once.
void Display::print(const Screen& words, std::uint64_t now_ms) {
    if (reads_same(words, words_) || (now_ms - printed_at_ms_ < kPrintMs && !has_other_title(words, words_)))
        return;
    std::string text(frame_edge(true).view());
    for (const Row& row : words.rows()) {
        if (row.style != Style::kSpace) text.append("\n").append(frame_line(row).view());
    }
    text.append("\n").append(frame_edge(false).view()).append("\n");
    std::fputs(text.c_str(), stderr);
    words_ = words;
    printed_at_ms_ = now_ms;
}

}  // namespace stetho::posix
