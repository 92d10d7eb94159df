#include "core/wire/broker_search.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "tests/dns_packet.h"

using namespace stetho;
using namespace stetho::test;

namespace {

constexpr std::uint16_t kId = 0x1234;
const std::string kTls = "_secure-mqtt._tcp.local";

BrokerSearch begun(bool tls = true) {
    BrokerSearch search;
    search.begin(tls, kId);
    return search;
}

// Returns name and type that are asked for.
std::string question(const BrokerSearch& search) {
    std::array<std::uint8_t, 512> out{};
    const std::size_t size = search.write_question(out);
    REQUIRE(size > kDnsHeaderBytes);
    CHECK(dns_number(out, 0) == kId);
    CHECK(dns_number(out, 4) == 1);
    CHECK(dns_number(out, size - 2) == kDnsInternet);
    DnsName name;
    REQUIRE(read_dns_name(Bytes(out).first(size), kDnsHeaderBytes, name));
    return std::string(name.view()) + " " + std::to_string(dns_number(out, size - 4));
}

}  // namespace

TEST_CASE("a broker that tells all at once is found") {
    BrokerSearch search = begun();
    CHECK(question(search) == kTls + " 12");
    search.read(announced(kId, "Stetho on ward", 7));
    const auto found = search.found();
    REQUIRE(found.size() == 1);
    CHECK(found[0].instance == "stetho on ward");
    CHECK(found[0].host == "ward.local");
    CHECK(found[0].port == 8883);
    CHECK(found[0].address == std::array<std::uint8_t, 4>{192, 168, 1, 7});
    search.begin(false, kId);
    CHECK(search.found().empty());
    CHECK(question(search) == "_mqtt._tcp.local 12");
    search.read(announced(kId, "stetho", 7, "_mqtt._tcp.local"));
    CHECK(search.found().size() == 1);
}

TEST_CASE("what a responder does not tell is asked for") {
    BrokerSearch search = begun();
    Packet packet = answer(kId);
    search.read(pointer(packet, kTls, "stetho"));
    CHECK(search.found().empty());
    CHECK(question(search) == "stetho." + kTls + " 33");
    packet = answer(kId);
    search.read(service(packet, "stetho." + kTls, "ward.local", 8883));
    CHECK(search.found().empty());
    CHECK(question(search) == "ward.local 1");
    packet = answer(kId);
    search.read(address(packet, "WARD.local", 9));
    REQUIRE(search.found().size() == 1);
    CHECK(search.found()[0].address[3] == 9);
}

TEST_CASE("records in any order, with questions before them and others between them") {
    BrokerSearch search = begun();
    Packet packet = answer(kId);
    packet[5] = 1;  // its question
    put_name(packet, kTls);
    put16(packet, 12);
    put16(packet, 1);
    address(packet, "ward.local", 3);
    record(packet, "stetho." + kTls, 16, {4, 'a', '=', 'b', 'c'});
    service(packet, "stetho." + kTls, "ward.local", 8883);
    record(packet, "ward.local", 28, Packet(16, 1));
    search.read(packet);
    CHECK(search.found().size() == 1);
}

TEST_CASE("each address of a host, and each of several brokers, is one to try; the smallest name is first") {
    BrokerSearch search = begun();
    search.read(announced(kId, "stetho b", 5));
    Packet packet = announced(kId, "stetho a", 9, kTls, "other.local");
    address(packet, "other.local", 8);
    search.read(packet);
    search.read(packet);  // once more: nothing new
    const auto found = search.found();
    REQUIRE(found.size() == 3);
    CHECK(found[0].instance == "stetho a");
    CHECK(found[0].address[3] == 8);
    CHECK(found[1].address[3] == 9);
    CHECK(found[2].instance == "stetho b");
    for (std::uint8_t last = 20; last < 60; ++last) search.read(announced(kId, "stetho b", last));
    CHECK(search.found().size() == BrokerSearch::kMostBrokers);
}

TEST_CASE("what is not for us is not found") {
    const auto finds = [](const Packet& packet) {
        BrokerSearch search = begun();
        search.read(packet);
        return !search.found().empty();
    };
    REQUIRE(finds(announced(kId, "stetho", 1)));
    CHECK_FALSE(finds(announced(kId + 1, "stetho", 1)));  // another question's
    CHECK_FALSE(finds(announced(kId, "home", 1)));
    CHECK_FALSE(finds(announced(kId, "my stetho", 1)));
    CHECK_FALSE(finds(announced(kId, "stetho", 1, "_mqtt._tcp.local")));
    CHECK_FALSE(finds(announced(kId, "stetho", 1, kTls, "ward.example.org")));
    CHECK_FALSE(finds(announced(kId, "stetho", 1, kTls, "local")));
    CHECK_FALSE(finds(announced(kId, "stetho", 1, kTls, "a b.local")));
    CHECK_FALSE(finds(announced(kId, "stetho", 1, kTls, std::string(60, 'h') + ".local")));  // longer than a host
    for (const auto& [at, value] : {std::pair{2, 0x04}, {2, 0x94}, {3, 0x03}}) {  // no answer, another kind, an error
        Packet packet = announced(kId, "stetho", 1);
        packet[static_cast<std::size_t>(at)] = static_cast<std::uint8_t>(value);
        CHECK_FALSE(finds(packet));
    }
    Packet packet = answer(kId);
    service(packet, "stetho." + kTls, "ward.local", 0);
    CHECK_FALSE(finds(address(packet, "ward.local", 1)));
    for (const Packet& data : {Packet{0, 0, 0, 0}, {224, 0, 0, 251}, {255, 255, 255, 255}, {10, 0, 0}, {}}) {
        packet = answer(kId);
        service(packet, "stetho." + kTls, "ward.local", 8883);
        CHECK_FALSE(finds(record(packet, "ward.local", 1, data)));
    }
    packet = answer(kId);
    service(packet, "stetho." + kTls, "ward.local", 8883);
    CHECK_FALSE(finds(record(packet, "ward.local", 1, {10, 0, 0, 1}, 3)));  // another class
}

TEST_CASE("a message that is cut off anywhere, or spoiled anywhere, harms nothing") {
    const Packet whole = announced(kId, "stetho", 1);
    for (std::size_t size = 0; size < whole.size(); ++size) {
        BrokerSearch search = begun();
        search.read(Bytes(whole).first(size));
        CHECK(search.found().empty());
    }
    std::mt19937 chance(19);
    BrokerSearch search = begun();
    for (int round = 0; round < 20'000; ++round) {
        Packet packet = whole;
        for (int spoils = 0; spoils < 3; ++spoils) packet[4 + chance() % (packet.size() - 4)] = static_cast<std::uint8_t>(chance());
        search.read(packet);
        if (round % 100 == 0) search.begin(true, kId);
        for (const FoundBroker& broker : search.found()) {
            CHECK(broker.port != 0);
            CHECK(broker.host.view().ends_with(".local"));
        }
    }
}

TEST_CASE("a question that does not fit is not written") {
    const BrokerSearch search = begun();
    std::array<std::uint8_t, 64> out{};
    const std::size_t size = search.write_question(out);
    for (std::size_t room = 0; room < size; ++room) CHECK(search.write_question(std::span(out).first(room)) == 0);
}
