#include "core/wire/dns_message.h"

#include <algorithm>

namespace stetho {
namespace {

constexpr std::uint8_t kPointerBits = 0xC0;
constexpr int kMostPointers = 16;  // in one name; a responder uses one or two

char lower(std::uint8_t letter) {
    return static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter);
}

}  // namespace

std::size_t end_of_dns_labels(Bytes message, std::size_t at) {
    const std::size_t begin = at;
    while (at < message.size() && at - begin < kMaxDnsNameBytes) {
        const std::size_t label = message[at];
        if (label == 0) return at;
        if (label >= kPointerBits) return at + 2 <= message.size() ? at : 0;
        if (label > kMaxDnsLabelBytes) return 0;
        at += 1 + label;
    }
    return 0;
}

std::size_t end_of_dns_name(Bytes message, std::size_t at) {
    const std::size_t end = end_of_dns_labels(message, at);
    return end == 0 ? 0 : message[end] == 0 ? end + 1 : end + 2;
}

bool read_dns_name(Bytes message, std::size_t at, DnsName& name) {
    name.clear();
    for (int pointers = 0; pointers <= kMostPointers; ++pointers) {
        const std::size_t end = end_of_dns_labels(message, at);
        if (end == 0) return false;
        const std::size_t begin = at;
        while (at < end) {
            const std::size_t label = message[at++];
            const Bytes letters = message.subspan(at, label);
            // In the text it would be two labels, or an empty one, which nobody can ask for.
            if (std::find(letters.begin(), letters.end(), '.') != letters.end()) return false;
            if (!name.empty()) name.append('.');
            for (const std::uint8_t letter : letters) name.append(lower(letter));
            at += label;
        }
        if (message[end] == 0) return !name.is_cut();
        at = dns_number(message, end) & 0x3FFF;
        if (at >= begin || name.is_cut()) return false;
    }
    return false;
}

std::size_t write_dns_name(std::string_view name, WritableBytes out) {
    std::size_t size = 0;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        if (label.empty() || label.size() > kMaxDnsLabelBytes || size + 2 + label.size() > out.size()) return 0;
        out[size++] = static_cast<std::uint8_t>(label.size());
        std::copy(label.begin(), label.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
        size += label.size();
        name.remove_prefix(std::min(name.size(), label.size() + 1));
    }
    if (size == 0 || size > kMaxDnsNameBytes - 1) return 0;
    out[size++] = 0;
    return size;
}

}  // namespace stetho
