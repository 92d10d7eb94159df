// Measures the filters with sines from end to end, against the figures of decimator.h.
#include "core/signal/decimator.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/tone.h"

using namespace stetho;

namespace {

constexpr double kAmplitude = 30'000;

std::vector<std::int16_t> decimated(std::uint32_t rate_hz, std::span<const std::int16_t> in) {
    Decimator decimator;
    REQUIRE(decimator.begin(rate_hz, 4'000));
    std::vector<std::int16_t> out(Decimator::max_output(in.size()));
    out.resize(decimator.push(in, out));
    return out;
}

// Returns the gain at `frequency_hz`, in dB, after the filter has settled.
double response_db(std::uint32_t rate_hz, double frequency_hz) {
    const auto out =
        decimated(rate_hz, test::sine(frequency_hz, rate_hz, kAmplitude, 2 * std::size_t{rate_hz}));
    return test::level_db(std::span(out).subspan(400), kAmplitude);
}

}  // namespace

TEST_CASE("a5: flat within 1 dB to 1.6 kHz, whatever the microphone's rate") {
    for (const std::uint32_t rate_hz : {16'000U, 44'100U}) {
        for (double frequency_hz = 20; frequency_hz <= 1'600; frequency_hz += 79 * test::kStride) {
            CAPTURE(rate_hz);
            CAPTURE(frequency_hz);
            CHECK(std::abs(response_db(rate_hz, frequency_hz)) < 1.0);
        }
        CHECK(std::abs(response_db(rate_hz, 1'600)) < 1.0);
        CHECK(std::abs(response_db(rate_hz, 200)) < 0.05);  // where heart sounds are
    }
}

TEST_CASE("a5: what would be an alias is 60 dB weaker") {
    for (const std::uint32_t rate_hz : {16'000U, 44'100U}) {
        for (double frequency_hz = 2'000; frequency_hz < rate_hz / 2.0; frequency_hz += 137 * test::kStride) {
            CAPTURE(rate_hz);
            CAPTURE(frequency_hz);
            CHECK(response_db(rate_hz, frequency_hz) < -60);
        }
    }
}

TEST_CASE("the rate is exact: as many samples come out as time has passed") {
    CHECK(decimated(44'100, std::vector<std::int16_t>(44'100 * 10)).size() == 40'000);
    CHECK(decimated(44'100, std::vector<std::int16_t>(441)).size() == 40);
    CHECK(decimated(16'000, std::vector<std::int16_t>(16'000 * 10)).size() == 40'000);
}

TEST_CASE("samples may be filtered where they are") {
    auto samples = test::sine(300, 44'100, kAmplitude, 44'100);
    const auto apart = decimated(44'100, samples);
    Decimator decimator;
    REQUIRE(decimator.begin(44'100, 4'000));
    samples.resize(decimator.push(samples, samples));
    CHECK(samples == apart);
}

TEST_CASE("how the input is cut makes no difference") {
    const auto in = test::sine(300, 44'100, kAmplitude, 44'100);
    const auto whole = decimated(44'100, in);
    Decimator decimator;
    REQUIRE(decimator.begin(44'100, 4'000));
    std::vector<std::int16_t> parts;
    for (std::size_t at = 0, size = 1; at < in.size(); at += size, size = size % 97 + 1) {
        size = std::min(size, in.size() - at);
        std::vector<std::int16_t> out(Decimator::max_output(size));
        out.resize(decimator.push(std::span(in).subspan(at, size), out));
        parts.insert(parts.end(), out.begin(), out.end());
    }
    CHECK(parts == whole);
}

TEST_CASE("lost samples take as many output samples with them as would have come") {
    for (const std::uint32_t rate_hz : {16'000U, 44'100U}) {
        for (const std::uint32_t lost : {0U, 1U, 7U, 100U, 441U, 44'100U, 4'000'000U}) {
            CAPTURE(lost);
            Decimator decimator;
            REQUIRE(decimator.begin(rate_hz, 4'000));
            std::vector<std::int16_t> out(2'000);
            const std::vector<std::int16_t> in(1'000);
            std::uint64_t count = decimator.push(in, out);
            count += decimator.skip(lost);
            count += decimator.push(in, out);
            const std::uint64_t passed = std::uint64_t{lost} + 2'000;
            CHECK(count >= passed * 4'000 / rate_hz);
            CHECK(count <= passed * 4'000 / rate_hz + 1);
        }
    }
}

TEST_CASE("after a loss nothing of the sound before it is heard") {
    Decimator decimator;
    REQUIRE(decimator.begin(16'000, 4'000));
    std::vector<std::int16_t> out(4'000);
    decimator.push(std::vector<std::int16_t>(4'000, 30'000), out);
    decimator.skip(5);
    const std::size_t count = decimator.push(std::vector<std::int16_t>(4'000, 0), out);
    CHECK(std::ranges::count(std::span(out).first(count), 0) == static_cast<std::ptrdiff_t>(count));
}

TEST_CASE("full scale is neither wrapped nor changed") {
    for (const std::int16_t level : {std::int16_t{32'767}, std::int16_t{-32'768}}) {
        CHECK(decimated(44'100, std::vector<std::int16_t>(44'100, level)).back() == level);
        CHECK(decimated(16'000, std::vector<std::int16_t>(16'000, level)).back() == level);
    }
    std::vector<std::int16_t> square(44'100);
    for (std::size_t at = 0; at < square.size(); ++at) square[at] = at / 50 % 2 == 0 ? 32'767 : -32'768;
    const auto out = decimated(
        44'100, square);  // the filter rings beyond full scale: saturated, never wrapped to the other end
    for (std::size_t at = 401; at < out.size(); ++at)
        CHECK((out[at - 1] == 32'767 && out[at] < -30'000) == false);
    CHECK(*std::ranges::max_element(out) == 32'767);
}

TEST_CASE("equal rates pass through, unknown ones are refused") {
    const auto in = test::sine(300, 8'000, kAmplitude, 100);
    std::vector<std::int16_t> out(100);
    Decimator decimator;
    REQUIRE(decimator.begin(8'000, 8'000));
    CHECK(decimator.push(in, out) == 100);
    CHECK(out == in);
    CHECK(decimator.skip(9) == 9);
    CHECK_FALSE(decimator.begin(8'000, 4'000));
    CHECK_FALSE(decimator.begin(44'100, 16'000));
    CHECK_FALSE(decimator.begin(0, 4'000));
}

TEST_CASE("more than there is room for is not written") {
    Decimator decimator;
    REQUIRE(decimator.begin(16'000, 4'000));
    std::vector<std::int16_t> out(3, 7);
    CHECK(decimator.push(std::vector<std::int16_t>(100), std::span(out).first(2)) == 2);
    CHECK(out[2] == 7);
}

TEST_CASE("rounding adds no offset") {
    const auto out = decimated(16'000, test::sine(200, 16'000, 100, 16'000));
    double sum = 0;
    for (const double sample : std::span(out).subspan(400)) sum += sample;  // 3600 samples: whole periods
    CHECK(std::abs(sum / 3'600) < 0.1);
}
