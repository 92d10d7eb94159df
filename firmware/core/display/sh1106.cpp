#include "core/display/sh1106.h"

#include <algorithm>
#include <array>

namespace stetho {
namespace {

// Names of the data sheet (SH1106 v2.3, "Commands").
constexpr std::uint8_t kCommands = 0x00;  // control byte: commands follow until the end
constexpr std::uint8_t kData = 0x40;      // control byte: bytes for the memory follow until the end
constexpr std::uint8_t kColumnLow = 0x00;
constexpr std::uint8_t kColumnHigh = 0x10;
constexpr std::uint8_t kPage = 0xB0;
constexpr std::uint8_t kPanelOff = 0xAE;
constexpr std::uint8_t kPanelOn = 0xAF;

// The glass of 128 columns sits in the middle of a memory of 132.
constexpr int kFirstColumn = 2;

constexpr std::array<std::uint8_t, 21> kSetUp{
    kPanelOff, 0xD5, 0x80,  // clock: as after reset
    0xA8,      0x3F,        // 64 lines
    0xD3,      0x00,        // no vertical offset
    0x40,                   // starts at line 0
    0xAD,      0x8B,        // the charge pump makes the panel's voltage
    0x33,                   // 9.0 V
    0xA1,      0xC8,        // mirrored both ways: the module's flat cable is below
    0xDA,      0x12,        // lines are wired alternately
    0x81,      0x80,        // contrast
    0xD9,      0x1F,        // pre-charge
    0xDB,      0x40,        // VCOM
};

}  // namespace

bool Sh1106::show(const Canvas& canvas, std::uint64_t now_ms) {
    if (is_there_ == false && now_ms < ask_at_ms_) return false;
    is_there_ = write_picture(canvas);
    if (!*is_there_) ask_at_ms_ = now_ms + kAskAgainMs;
    return *is_there_;
}

bool Sh1106::write_picture(const Canvas& canvas) {
    if (!is_ready_ && !set_up()) return false;
    for (int page = 0; page < Canvas::kPages; ++page) {
        if (!show_page(canvas, page)) {
            is_ready_ = false;
            return false;
        }
    }
    shown_ = canvas;
    is_ready_ = apply_power();
    return is_ready_;
}

bool Sh1106::set_up() {
    if (!bus_.answers(address_)) return false;
    if (!command(kSetUp) || !command(std::array<std::uint8_t, 2>{0xA4, 0xA6})) return false;
    for (int page = 0; page < Canvas::kPages;
         ++page) {  // the memory holds noise, under the glass and beside it
        std::array<std::uint8_t, 133> line{kData};
        const auto select = static_cast<std::uint8_t>(kPage | page);
        if (!command(std::array<std::uint8_t, 3>{select, kColumnLow, kColumnHigh}) || !write(line))
            return false;
    }
    shown_.clear();
    is_powered_ = false;
    is_ready_ = true;
    return true;
}

bool Sh1106::apply_power() {
    if (is_powered_ == wants_power_) return true;
    if (!command(std::array<std::uint8_t, 1>{wants_power_ ? kPanelOn : kPanelOff})) return false;
    is_powered_ = wants_power_;
    return true;
}

bool Sh1106::show_page(const Canvas& canvas, int page) {
    const auto wanted = canvas.page(page);
    const auto present = shown_.page(page);
    const auto first = std::mismatch(wanted.begin(), wanted.end(), present.begin()).first;
    if (first == wanted.end()) return true;
    auto last = wanted.end();
    while (*(last - 1) == present[static_cast<std::size_t>(last - 1 - wanted.begin())]) --last;

    const int column = kFirstColumn + static_cast<int>(first - wanted.begin());
    const std::array<std::uint8_t, 3> place{static_cast<std::uint8_t>(kPage | page),
                                            static_cast<std::uint8_t>(kColumnLow | (column & 15)),
                                            static_cast<std::uint8_t>(kColumnHigh | column >> 4)};
    std::array<std::uint8_t, 1 + Canvas::kWidth> bytes{kData};
    const auto end = std::copy(first, last, bytes.begin() + 1);
    return command(place) && write({bytes.data(), static_cast<std::size_t>(end - bytes.begin())});
}

bool Sh1106::command(std::span<const std::uint8_t> bytes) {
    std::array<std::uint8_t, 1 + kSetUp.size()> message{kCommands};
    const auto end = std::copy(bytes.begin(), bytes.end(), message.begin() + 1);
    return write({message.data(), static_cast<std::size_t>(end - message.begin())});
}

bool Sh1106::write(std::span<const std::uint8_t> bytes) {
    if (!bus_.write(address_, bytes)) return false;
    bytes_written_ += static_cast<std::uint32_t>(bytes.size());
    return true;
}

}  // namespace stetho
