#include "core/signal/dc_blocker.h"

#include <doctest/doctest.h>

#include "tests/tone.h"

using namespace stetho;

namespace {

// Returns the gain at `frequency_hz` for a 24-bit sine, in dB, after the filter has settled.
double response_db(std::uint32_t rate_hz, double frequency_hz) {
    DcBlocker dc_blocker(rate_hz);
    std::vector<std::int16_t> out;
    const auto in = test::sine(frequency_hz, rate_hz, 30'000, 8 * std::size_t{rate_hz});
    for (const std::int16_t sample : in) out.push_back(static_cast<std::int16_t>(dc_blocker.step(sample)));
    return test::level_db(std::span(out).subspan(4 * std::size_t{rate_hz}), 30'000);
}

}  // namespace

TEST_CASE("heart sounds pass, what is slower than a heart does not") {
    for (const std::uint32_t rate_hz : {4'000U, 16'000U, 44'100U}) {
        CAPTURE(rate_hz);
        CHECK(response_db(rate_hz, 20) > -0.5);
        CHECK(response_db(rate_hz, 300) > -0.05);
        CHECK(response_db(rate_hz, 0.25) < -15);
    }
}

TEST_CASE("an offset is gone from the first sample on, at any size") {
    for (const std::int32_t offset : {0, 1, -1, 5'000, 0x7F'FFFF, -0x80'0000}) {
        DcBlocker dc_blocker(44'100);
        int wrong = 0;
        for (int count = 0; count < 50'000; ++count) wrong += dc_blocker.step(offset) == 0 ? 0 : 1;
        CHECK(wrong == 0);
    }
}

TEST_CASE("a step to the other end of the scale is followed without overflow") {
    DcBlocker dc_blocker(16'000);
    dc_blocker.step(-0x80'0000);
    CHECK(dc_blocker.step(0x7F'FFFF) > 0xFF'0000);
    std::int32_t left = 0;
    for (int count = 0; count < 64'000; ++count) left = dc_blocker.step(0x7F'FFFF);
    CHECK(left <= 1);
    dc_blocker.reset();
    CHECK(dc_blocker.step(-0x80'0000) == 0);
}
