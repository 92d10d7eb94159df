// Subset of doctest that our tests use, for chips without iostreams: the same test files run in an emulator.
// Failures are printed, and `main` returns 1.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace emulated {

struct Case {
    Case(const char* name, void (*run)()) : name(name), run(run), next(first) { first = this; }
    const char* name;
    void (*run)();
    Case* next;
    static inline Case* first = nullptr;
    static inline unsigned failures = 0;
    static inline unsigned checks = 0;
};

inline bool check(bool is_right, const char* text, const char* file, int line) {
    ++Case::checks;
    if (is_right) return true;
    ++Case::failures;
    std::printf("%s:%d: %s\n", file, line, text);
    return false;
}

}  // namespace emulated

#define EMULATED_JOIN2(left, right) left##right
#define EMULATED_JOIN(left, right) EMULATED_JOIN2(left, right)
#define EMULATED_CASE(function, name)                                            \
    static void function();                                                      \
    static const emulated::Case EMULATED_JOIN(function, _case)(name, &function); \
    static void function()
#define TEST_CASE(name) EMULATED_CASE(EMULATED_JOIN(case_, __LINE__), name)

#define CHECK(...) emulated::check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define CHECK_FALSE(...) CHECK(!(__VA_ARGS__))
#define CHECK_MESSAGE(right, ...) CHECK(right)
#define CHECK_EQ(left, right) CHECK((left) == (right))
#define REQUIRE(...)                            \
    do {                                        \
        if (!CHECK(__VA_ARGS__)) std::_Exit(1); \
    } while (false)
#define REQUIRE_FALSE(...) REQUIRE(!(__VA_ARGS__))
#define CAPTURE(value) static_cast<void>(value)
#define INFO(...) static_cast<void>(0)
