#include "core/wire/fixed_string.h"

#include <doctest/doctest.h>

#include <limits>

using namespace stetho;

TEST_CASE("what does not fit is cut, said, and followed by a zero") {
    FixedString<4> text("abc");
    CHECK_FALSE(text.is_cut());
    text.append("def");
    CHECK(text == "abcd");
    CHECK(text.is_cut());
    CHECK(text.c_str()[4] == '\0');
    text.append('x');
    CHECK(text.size() == 4);
    text.clear();
    CHECK(text.empty());
    CHECK_FALSE(text.is_cut());
    CHECK(text.c_str()[0] == '\0');
}

TEST_CASE("numbers, up to the ends of their range") {
    CHECK(FixedString<30>().append_number(0) == "0");
    CHECK(FixedString<30>().append_number(-7) == "-7");
    CHECK(FixedString<30>().append_number(std::numeric_limits<std::int64_t>::max()) == "9223372036854775807");
    CHECK(FixedString<30>().append_number(std::numeric_limits<std::int64_t>::min()) ==
          "-9223372036854775808");
    CHECK(FixedString<30>().append_tenths(5).append(' ').append_tenths(123) == "0.5 12.3");
    CHECK(FixedString<30>().append_hex(0x9f0c1122aabbccdd, 16) == "9f0c1122aabbccdd");
    CHECK(FixedString<30>().append_hex(0xa, 4) == "000a");
    CHECK(FixedString<3>().append_number(12'345).is_cut());
}
