#include "core/device/broker_finder.h"

#include <doctest/doctest.h>

#include "tests/fake_multicast.h"

using namespace stetho;
using namespace stetho::test;

namespace {

struct CountingRandom final : hal::Random {
    std::uint32_t next() override { return ++last; }
    std::uint32_t last = 0x1000;
};

struct Fixture {
    // Returns the last number of the address to try; 0: none.
    int next(bool tls = true) {
        const FoundBroker* found = finder.next(tls, is_wanted);
        CHECK_FALSE(multicast.is_open);
        return found == nullptr ? 0 : found->address[3];
    }

    FakeMulticast multicast;
    CountingRandom random;
    std::atomic<bool> is_wanted{true};
    BrokerFinder finder{multicast, random};
};

std::vector<Packet> two(std::uint16_t id) { return {announced(id, "stetho b", 2), announced(id, "stetho a", 1)}; }

}  // namespace

TEST_CASE("the broker that worked is tried again, and the next one when it fails; then the network is asked again") {
    Fixture fixture;
    fixture.multicast.answers = two;
    CHECK(fixture.next() == 1);  // it cannot prove who it is
    CHECK(fixture.next() == 2);
    fixture.finder.worked();
    CHECK(fixture.next() == 2);
    CHECK(fixture.multicast.asked == 1);
    fixture.multicast.answers = [](std::uint16_t id) { return std::vector<Packet>{announced(id, "stetho", 9)}; };
    CHECK(fixture.next() == 9);
    CHECK(fixture.multicast.asked == 2);
    CHECK(fixture.random.last == 0x1002);  // each question has an id of its own
}

TEST_CASE("with and without TLS it is another service") {
    Fixture fixture;
    fixture.multicast.answers = two;
    CHECK(fixture.next() == 1);
    fixture.finder.worked();
    CHECK(fixture.next(false) == 0);
    CHECK(fixture.multicast.asked == 4);
}

TEST_CASE("nobody answers: it asks three times") {
    Fixture fixture;
    CHECK(fixture.next() == 0);
    CHECK(fixture.multicast.asked == 3);
    CHECK(fixture.multicast.received == 15);  // 200 ms each
    fixture.multicast.answers = two;
    CHECK(fixture.next() == 1);
}

TEST_CASE("without a network it says so at once") {
    Fixture fixture;
    fixture.multicast.can_ask = false;
    CHECK(fixture.next() == 0);
    CHECK(fixture.multicast.received == 0);
    fixture.multicast.can_open = false;
    CHECK(fixture.next() == 0);
    CHECK(fixture.multicast.asked == 1);
}

TEST_CASE("a flood, and messages longer than any, hold it up for a while only") {
    Fixture fixture;
    fixture.multicast.floods = true;
    fixture.multicast.answers = [](std::uint16_t) { return std::vector<Packet>{Packet(9'000, 0xC0)}; };
    CHECK(fixture.next() == 0);
    CHECK(fixture.multicast.received == 3 * 32);
}

TEST_CASE("a search that nobody wants any more ends") {
    Fixture fixture;
    fixture.multicast.answers = two;
    fixture.multicast.on_receive = [&] { fixture.is_wanted = false; };
    CHECK(fixture.next() == 0);
    CHECK(fixture.multicast.received == 1);
}
