#include "core/portal/page_writer.h"

#include <algorithm>
#include <cstdint>

#include "core/portal/portal_page.h"

namespace stetho {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

bool is_within(std::uint32_t code, std::uint32_t first, std::uint32_t last) {
    return code >= first && code <= last;
}

// Returns whether a character can be shown: no control character, and none that changes the direction of text.
bool is_shown(std::uint32_t code) {
    return !(code < 0x20 || is_within(code, 0x7f, 0x9f) || is_within(code, 0x200b, 0x200f) ||
             is_within(code, 0x2028, 0x202e) || is_within(code, 0x2060, 0x206f) || code == 0xfeff);
}

// Returns the bytes of the character at the front of `text` if it is UTF-8 that can be shown; 0: it is not.
std::size_t character_bytes(std::string_view text) {
    const auto lead = static_cast<std::uint8_t>(text[0]);
    const std::size_t bytes = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (bytes == 1) return is_shown(lead) ? 1 : 0;
    if (is_within(lead, 0x80, 0xc1) || lead > 0xf4 || text.size() < bytes) return 0;
    std::uint32_t code = lead & (0x7fU >> bytes);
    for (const char next : text.substr(1, bytes - 1)) {
        if ((static_cast<std::uint8_t>(next) & 0xc0U) != 0x80) return 0;
        code = code << 6 | (static_cast<std::uint8_t>(next) & 0x3fU);
    }
    constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};  // shorter would do
    const bool is_character = code >= kLeast[bytes] && code <= 0x10ffff && !is_within(code, 0xd800, 0xdfff);
    return is_character && is_shown(code) ? bytes : 0;
}

std::string_view escaped(char letter) {
    switch (letter) {
        case '&':
            return "&amp;";
        case '<':
            return "&lt;";
        case '>':
            return "&gt;";
        case '"':
            return "&quot;";
        case '\'':
            return "&#39;";
        default:
            return {};
    }
}

}  // namespace

PageWriter& PageWriter::html(std::string_view markup) {
    while (!markup.empty()) {
        const std::size_t count = std::min(markup.size(), piece_.size() - size_);
        std::copy_n(markup.begin(), count, piece_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += count;
        markup.remove_prefix(count);
        if (size_ == piece_.size()) flush();
    }
    return *this;
}

PageWriter& PageWriter::text(std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t count = character_bytes(bytes);
        const std::string_view mark = escaped(bytes[0]);
        html(count == 0 ? kReplacement : mark.empty() ? bytes.substr(0, count) : mark);
        bytes.remove_prefix(std::max<std::size_t>(count, 1));
    }
    return *this;
}

PageWriter& PageWriter::hex(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (const char byte : bytes) {
        const auto number = static_cast<std::uint8_t>(byte);
        const std::array<char, 2> digits{kDigits[number >> 4], kDigits[number & 15]};
        html({digits.data(), digits.size()});
    }
    return *this;
}

bool PageWriter::flush() {
    is_taken_ = is_taken_ && (size_ == 0 || out_.write(out_.self, {piece_.data(), size_}));
    size_ = 0;
    return is_taken_;
}

}  // namespace stetho
