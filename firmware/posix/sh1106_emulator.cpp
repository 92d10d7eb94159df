#include "posix/sh1106_emulator.h"

namespace stetho::posix {
namespace {

// Returns whether `command` has an argument (SH1106 data sheet v2.3, "Command Table").
bool takes_argument(std::uint8_t command) {
    switch (command) {
        case 0x81:  // contrast
        case 0xA8:  // multiplex ratio
        case 0xAD:  // charge pump
        case 0xD3:  // vertical offset
        case 0xD5:  // clock
        case 0xD9:  // pre-charge
        case 0xDA:  // wiring of the lines
        case 0xDB:  // VCOM
            return true;
        default:
            return false;
    }
}

}  // namespace

void Sh1106Emulator::lose_power() {
    unsigned noise = 0x2545;
    for (auto& page : memory_) {
        for (auto& byte : page) {
            noise = noise * 1103515245U + 12345U;
            byte = static_cast<std::uint8_t>(noise >> 16);
        }
    }
    pending_ = 0;
    page_ = column_ = start_line_ = offset_ = 0;
    lines_ = 64;
    is_on_ = is_mirrored_ = scans_up_ = is_inverse_ = is_all_on_ = false;
    has_pump_ = true;
}

bool Sh1106Emulator::answers(std::uint8_t address) {
    ++transactions_;
    return !is_unplugged_ && address == address_;
}

bool Sh1106Emulator::write(std::uint8_t address, std::span<const std::uint8_t> bytes) {
    if (!answers(address)) return false;
    std::size_t at = 0;
    while (at < bytes.size()) {
        const std::uint8_t control = bytes[at++];
        const bool is_data = (control & 0x40) != 0;
        const bool is_single = (control & 0x80) != 0;  // one byte, then the next control byte
        const std::size_t end = is_single ? at + 1 : bytes.size();
        for (; at < end && at < bytes.size(); ++at) {
            if (is_data)
                take_data(bytes[at]);
            else if (pending_ != 0)
                take_argument(bytes[at]);
            else
                take_command(bytes[at]);
        }
    }
    return true;
}

void Sh1106Emulator::take_command(std::uint8_t byte) {
    if (takes_argument(byte))
        pending_ = byte;
    else if (byte <= 0x0F)
        column_ = (column_ & 0xF0) | byte;
    else if (byte <= 0x1F)
        column_ = (column_ & 0x0F) | (byte & 0x0F) << 4;
    else if (byte >= 0x30 && byte <= 0x33)
        return;  // voltage of the pump
    else if (byte >= 0x40 && byte <= 0x7F)
        start_line_ = byte & 0x3F;
    else if (byte == 0xA0 || byte == 0xA1)
        is_mirrored_ = byte == 0xA1;
    else if (byte == 0xA4 || byte == 0xA5)
        is_all_on_ = byte == 0xA5;
    else if (byte == 0xA6 || byte == 0xA7)
        is_inverse_ = byte == 0xA7;
    else if (byte == 0xAE || byte == 0xAF)
        is_on_ = byte == 0xAF;
    else if (byte >= 0xB0 && byte <= 0xB7)
        page_ = byte & 7;
    else if ((byte & 0xF0) == 0xC0)
        scans_up_ = (byte & 8) != 0;
    else if (byte != 0xE3)
        ++unknown_commands_;  // 0xE3: nothing
}

void Sh1106Emulator::take_argument(std::uint8_t byte) {
    switch (pending_) {
        case 0xA8:
            lines_ = (byte & 0x3F) + 1;
            break;
        case 0xAD:
            has_pump_ = byte == 0x8B;
            break;
        case 0xD3:
            offset_ = byte & 0x3F;
            break;
        default:
            break;  // brightness and timing: not emulated
    }
    pending_ = 0;
}

void Sh1106Emulator::take_data(std::uint8_t byte) {
    ++data_bytes_;
    if (column_ >= kColumns) return;
    memory_[static_cast<std::size_t>(page_)][static_cast<std::size_t>(column_)] = byte;
    ++column_;
}

// The module is mounted so that both directions have to be reversed (0xA1, 0xC8) for an upright picture.
bool Sh1106Emulator::lit(int x, int y) const {
    const int segment = kFirstColumn + Canvas::kWidth - 1 - x;
    const int column = is_mirrored_ ? kColumns - 1 - segment : segment;
    const int common = Canvas::kHeight - 1 - y;
    if (common >= lines_) return false;
    const int line = ((scans_up_ ? lines_ - 1 - common : common) + offset_ + start_line_) % 64;
    const std::uint8_t byte = memory_[static_cast<std::size_t>(line / 8)][static_cast<std::size_t>(column)];
    const bool is_set = is_all_on_ || (byte >> (line % 8) & 1) != 0;
    return is_set != is_inverse_;
}

Canvas Sh1106Emulator::visible_canvas() const {
    Canvas canvas;
    if (!is_on_ || !has_pump_) return canvas;
    for (int y = 0; y < Canvas::kHeight; ++y) {
        for (int x = 0; x < Canvas::kWidth; ++x) {
            if (lit(x, y)) canvas.set(x, y);
        }
    }
    return canvas;
}

}  // namespace stetho::posix
