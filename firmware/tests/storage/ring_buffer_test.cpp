#include "core/storage/ring_buffer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

using namespace stetho;

namespace {

// Returns the samples first, first + 1, ...: each holds its index.
std::vector<std::int16_t> count_from(std::int16_t first, std::size_t count) {
    std::vector<std::int16_t> samples(count);
    std::iota(samples.begin(), samples.end(), first);
    return samples;
}

}  // namespace

TEST_CASE("what is written is read in order, around the edge as well") {
    std::array<std::int16_t, 8> memory;
    RingBuffer ring(memory);
    std::array<std::int16_t, 5> out;
    for (std::int16_t round = 0; round < 100; ++round) {
        ring.write(count_from(round, 5));
        CHECK(ring.size() == 5);
        const auto taken = ring.read(out);
        CHECK(taken.count == 5);
        CHECK(taken.lost_before == 0);
        CHECK(std::ranges::equal(out, count_from(round, 5)));
    }
    CHECK(ring.read(out).count == 0);
    CHECK(ring.lost_total() == 0);
}

TEST_CASE("memory is used up to a power of two") {
    std::array<std::int16_t, 13> memory;
    CHECK(RingBuffer(memory).capacity() == 8);
}

TEST_CASE("a full ring loses what is new, and says where and how much") {
    std::array<std::int16_t, 8> memory;
    RingBuffer ring(memory);
    std::array<std::int16_t, 16> out;
    ring.write(count_from(0, 11));  // 8 fit, 3 are lost
    ring.write(count_from(11, 4));  // all lost
    CHECK(ring.lost_total() == 7);
    auto taken = ring.read(std::span(out).first(6));
    CHECK(taken.count == 6);
    CHECK(taken.lost_before == 0);
    ring.write(count_from(15, 2));
    taken = ring.read(out);  // what lies before the loss
    CHECK(taken.count == 2);
    CHECK(taken.lost_before == 0);
    CHECK(out[1] == 7);
    taken = ring.read(out);  // and what lies behind it
    CHECK(taken.lost_before == 7);
    REQUIRE(taken.count == 2);
    CHECK(out[0] == 15);
}

TEST_CASE("a loss that the driver tells lies before the next sample") {
    std::array<std::int16_t, 8> memory;
    RingBuffer ring(memory);
    std::array<std::int16_t, 8> out;
    ring.add_lost(100);
    ring.add_lost(1);
    CHECK(ring.read(out).lost_before == 0);  // nothing behind it yet
    ring.write(count_from(5, 1));
    ring.write(count_from(6, 1));
    CHECK(ring.read({}).count == 0);  // no room: the loss is kept
    const auto taken = ring.read(out);
    CHECK(taken.lost_before == 101);
    CHECK(taken.count == 2);
}

TEST_CASE("more losses than can wait: the audio between them is lost too, and counted") {
    std::array<std::int16_t, 64> memory;
    RingBuffer ring(memory);
    for (std::int16_t round = 0; round < 30; ++round) {
        ring.add_lost(1);
        ring.write(count_from(0, 1));
    }
    std::array<std::int16_t, 4> out;
    std::uint32_t received = 0;
    std::uint32_t lost = 0;
    for (auto taken = ring.read(out); taken.count != 0; taken = ring.read(out)) {
        received += static_cast<std::uint32_t>(taken.count);
        lost += taken.lost_before;
    }
    CHECK(received == 16);
    CHECK(lost == 16);
    ring.write(count_from(0, 1));
    CHECK(ring.read(out).lost_before == 28);
}

TEST_CASE("cleared: what was before a recording is forgotten, losses included") {
    std::array<std::int16_t, 8> memory;
    RingBuffer ring(memory);
    std::array<std::int16_t, 8> out;
    ring.write(count_from(0, 10));
    ring.read(std::span(out).first(4));
    ring.write(count_from(10, 3));
    ring.clear();
    CHECK(ring.size() == 0);
    ring.write(count_from(20, 2));
    const auto taken = ring.read(out);
    CHECK(taken.lost_before == 0);
    CHECK(taken.count == 2);
    CHECK(out[0] == 20);
}

TEST_CASE("a count of losses stays at its limit") {
    std::array<std::int16_t, 8> memory;
    RingBuffer ring(memory);
    ring.add_lost(UINT32_MAX);
    ring.add_lost(5);
    CHECK(ring.lost_total() == UINT32_MAX);
}
