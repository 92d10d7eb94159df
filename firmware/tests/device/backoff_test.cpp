#include "core/device/backoff.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>

using namespace stetho;

TEST_CASE("each wait is drawn from the upper half of twice the one before, up to the most") {
    std::mt19937 random(1);
    for (int round = 0; round < 100; ++round) {
        Backoff backoff(500, 30'000);
        std::uint32_t wanted_ms = 500;
        for (int attempt = 0; attempt < 40; ++attempt) {
            const std::uint32_t wait_ms = backoff.next(static_cast<std::uint32_t>(random()));
            CHECK(wait_ms >= wanted_ms / 2);
            CHECK(wait_ms <= wanted_ms);
            wanted_ms = std::min<std::uint32_t>(wanted_ms * 2, 30'000);
        }
    }
}

TEST_CASE("both ends of the range are drawn") {
    Backoff low(1'000, 8'000);
    Backoff high(1'000, 8'000);
    CHECK(low.next(0) == 500);
    CHECK(high.next(500) == 1'000);
}

TEST_CASE("success begins anew") {
    Backoff backoff(1'000, 60'000);
    for (int attempt = 0; attempt < 10; ++attempt) backoff.next(0);
    CHECK(backoff.next(0) == 30'000);
    backoff.reset();
    CHECK(backoff.next(0) == 500);
}

TEST_CASE("the doubling does not wrap around") {
    Backoff backoff(0x8000'0000, 0xFFFF'FFFF);
    for (int attempt = 0; attempt < 5; ++attempt) CHECK(backoff.next(0) >= 0x4000'0000);
}

TEST_CASE("a thousand devices do not come back together") {
    std::mt19937 random(3);
    std::set<std::uint32_t> waits;
    for (int device = 0; device < 1'000; ++device)
        waits.insert(Backoff(4'000, 4'000).next(static_cast<std::uint32_t>(random())));
    CHECK(waits.size() > 600);
}
