// What the chip says of itself: the stacks that its tasks have left, and the last error of its log.
#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <string>
#include <string_view>

#include "esp/error_log.h"
#include "esp/stack_watch.h"
#include "esp_log.h"

using namespace stetho;

extern std::atomic<std::size_t> stack_left;

namespace {

std::string printed;
vprintf_like_t hook = nullptr;

int print(const char* format, std::va_list arguments) {
    std::array<char, 200> text{};
    const int count = std::vsnprintf(text.data(), text.size(), format, arguments);
    printed += text.data();
    return count;
}

// As the macros of ESP-IDF call it.
void log(const char* format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    hook(format, arguments);
    va_end(arguments);
}

std::string last() {
    std::array<char, 80> text;
    return {text.data(), esp::last_error(text)};
}

std::uint32_t left_of(std::string_view task) {
    std::array<hal::StackLeft, hal::kMostTasks> all;
    for (std::size_t at = 0, count = esp::stacks_left(all); at < count; ++at)
        if (all[at].task == task) return all[at].bytes;
    return 0;
}

}  // namespace

extern "C" vprintf_like_t esp_log_set_vprintf(vprintf_like_t function) {
    hook = function;
    return print;
}

TEST_CASE("the last error of the log is kept, and every line is still printed") {
    esp::watch_log();
    CHECK(last().empty());
    log("\x1b[0;31mE (%u) %s: no memory for %d\x1b[0m\n", 12U, "wifi", 3);
    log("I (%u) %s: fine\n", 13U, "wifi");
    CHECK(last() == "wifi: no memory for 3");
    CHECK(printed == "\x1b[0;31mE (12) wifi: no memory for 3\x1b[0m\nI (13) wifi: fine\n");
    log("E (%u) %s: %s\n", 14U, "tls", std::string(500, 'x').c_str());
    CHECK(last() == "tls: " + std::string(75, 'x'));
}

TEST_CASE("of each task the least that it ever had left is told") {
    stack_left = 2'000;
    esp::note_stack("one");
    stack_left = 900;
    esp::note_stack("other");
    CHECK(left_of("one") == 2'000);
    CHECK(left_of("other") == 900);
    stack_left = 1'500;  // the next of its name has a stack of its own
    esp::note_stack("one");
    CHECK(left_of("one") == 1'500);
    stack_left = 3'000;
    esp::note_stack("one");
    CHECK(left_of("one") == 1'500);
}
