#include "core/signal/level_meter.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/tone.h"

using namespace stetho;

TEST_CASE("the level of a sine is its RMS, peak and what is clipped of it") {
    LevelMeter meter(4'000);
    meter.push(test::sine(100, 4'000, 20'000, 400));
    CHECK(meter.level().rms == 14'142);
    CHECK(meter.level().peak == 20'000);
    CHECK(meter.level().clipped_permille == 0);
}

TEST_CASE("the level of full scale fits") {
    LevelMeter meter(4'000);
    meter.push(std::vector<std::int16_t>(400, -32'768));
    CHECK(meter.level().rms == 32'768);
    CHECK(meter.level().peak == 32'768);
    CHECK(meter.level().clipped_permille == 1'000);
}

TEST_CASE("a level is of whole blocks, each by itself") {
    LevelMeter meter(4'000);
    meter.push(std::vector<std::int16_t>(399, 100));
    CHECK(meter.level().rms == 0);
    meter.push(std::vector<std::int16_t>(1, 100));
    CHECK(meter.level().rms == 100);
    std::vector<std::int16_t> block(400, 0);
    block[7] = 32'767;
    block[8] = 32'767;
    meter.push(block);
    CHECK(meter.level().peak == 32'767);
    CHECK(meter.level().clipped_permille == 5);
}
