#include "esp/error_log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdarg>
#include <cstdio>

#include "core/wire/fixed_string.h"
#include "core/wire/log_line.h"
#include "core/wire/message_writer.h"
#include "esp_log.h"

namespace stetho::esp {
namespace {

vprintf_like_t print_line = nullptr;
std::atomic_flag is_in_use = ATOMIC_FLAG_INIT;  // of what follows; who finds it in use does without
std::array<char, 2 * kMaxErrorBytes> line;
FixedString<kMaxErrorBytes> error;

int take_line(const char* format, std::va_list arguments) {
    if (!error_in(format).empty() && !is_in_use.test_and_set(std::memory_order_acquire)) {
        std::va_list copy;
        va_copy(copy, arguments);
        std::vsnprintf(line.data(), line.size(), format, copy);
        va_end(copy);
        error.clear();
        error.append(error_in(line.data()));
        is_in_use.clear(std::memory_order_release);
    }
    return print_line(format, arguments);
}

}  // namespace

void watch_log() { print_line = esp_log_set_vprintf(take_line); }

std::size_t last_error(std::span<char> out) {
    if (is_in_use.test_and_set(std::memory_order_acquire)) {
        return 0;
    }
    const std::size_t size = std::min(error.size(), out.size());
    std::copy_n(error.c_str(), size, out.begin());
    is_in_use.clear(std::memory_order_release);
    return size;
}

}  // namespace stetho::esp
