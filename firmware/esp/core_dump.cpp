#include "esp/core_dump.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>

#include "esp_core_dump.h"

namespace stetho::esp {
namespace {

template <std::size_t N>
void append_address(FixedString<N>& text, std::uint32_t address) {
    text.append("0x").append_hex(address, 8);
}

}  // namespace

void CoreDump::begin() {
    static esp_core_dump_summary_t dump;  // 300 bytes: not for a stack
    if (esp_core_dump_image_check() != ESP_OK || esp_core_dump_get_summary(&dump) != ESP_OK) {
        return;
    }
    const char* end = std::find(std::begin(dump.exc_task), std::end(dump.exc_task), '\0');
    summary_.append({dump.exc_task, static_cast<std::size_t>(end - dump.exc_task)}).append(" at ");
    append_address(summary_, dump.exc_pc);
    const std::size_t depth = std::min<std::size_t>(dump.exc_bt_info.depth, std::size(dump.exc_bt_info.bt));
    for (std::size_t call = 0; call < depth; ++call) {
        append_address(calls_.append(call == 0 ? "" : " "), dump.exc_bt_info.bt[call]);
    }
    std::array<char, 120> reason{};
    if (esp_core_dump_get_panic_reason(reason.data(), reason.size()) == ESP_OK) {
        reason.back() = '\0';
        reason_.append(reason.data());
    }
}

void CoreDump::print() const {
    if (summary_.empty()) {
        std::puts("no crash is kept");
        return;
    }
    std::printf("the last crash: %s %s\ncalls: %s\n", summary_.c_str(), reason_.c_str(), calls_.c_str());
}

}  // namespace stetho::esp
