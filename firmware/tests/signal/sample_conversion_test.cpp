#include "core/signal/sample_conversion.h"

#include <doctest/doctest.h>

#include <array>

using namespace stetho;

TEST_CASE("24 bits become 16, rounded half up and saturated") {
    CHECK(to_16_bits(0, 1) == 0);
    CHECK(to_16_bits(127, 1) == 0);
    CHECK(to_16_bits(128, 1) == 1);
    CHECK(to_16_bits(-128, 1) == 0);
    CHECK(to_16_bits(-129, 1) == -1);
    CHECK(to_16_bits(0x7F'FFFF, 1) == 32'767);
    CHECK(to_16_bits(-0x80'0000, 1) == -32'768);
    CHECK(to_16_bits(1'000, 16) == 63);
    CHECK(to_16_bits(0x10'0000, 256) == 32'767);
    CHECK(to_16_bits(-0x10'0000, 256) == -32'768);
    CHECK(to_16_bits(0x100'0000, 256) == 32'767);  // the 25 bits that the DC block may give
    CHECK(to_16_bits(-0x100'0000, 256) == -32'768);
}

TEST_CASE("the sample is in the upper 24 bits of a slot, whatever is below") {
    DcBlocker dc_blocker(44'100);
    dc_blocker.step(0);
    const std::array<std::int32_t, 2> slots{0x0010'00FF, -0x0010'0000 | 0x7F};
    std::array<std::int16_t, 2> out{};
    convert_slots(slots, dc_blocker, 1, out);
    CHECK(out[0] == 0x10);
    CHECK(out[1] == -0x10);
}

TEST_CASE("no more is converted than there is room for") {
    DcBlocker dc_blocker(44'100);
    const std::array<std::int32_t, 3> slots{};
    std::array<std::int16_t, 3> out{7, 7, 7};
    convert_slots(slots, dc_blocker, 1, std::span(out).first(2));
    CHECK(out[1] == 0);
    CHECK(out[2] == 7);
}

TEST_CASE("full scale counts as clipped, one less does not") {
    CHECK(is_clipped(32'767));
    CHECK(is_clipped(-32'768));
    CHECK_FALSE(is_clipped(32'766));
    CHECK_FALSE(is_clipped(-32'767));
}
