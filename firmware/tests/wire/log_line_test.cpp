#include "core/wire/log_line.h"

#include <doctest/doctest.h>

using namespace stetho;

TEST_CASE("an error of the log is told from other lines, with colours and without") {
    CHECK(error_in("E (1234) wifi: no memory\n") == "wifi: no memory");
    CHECK(error_in("\x1b[0;31mE (1234) wifi: no memory\x1b[0m\n") == "wifi: no memory");
    CHECK(error_in("E (12) nvs: page (3) is bad") == "nvs: page (3) is bad");
    CHECK(error_in("\x1b[0;33mW (1234) wifi: weak\x1b[0m\n").empty());
    CHECK(error_in("I (1234) E (5) odd\n").empty());
}

TEST_CASE("what is no line of the log does no harm") {
    for (const char* line : {"", "E", "E (", "E (12)", "E (12) ", "\x1b", "\x1b[", "\x1bm", "\x1b[0;31m"}) {
        CAPTURE(line);
        CHECK(error_in(line).empty());
    }
}
