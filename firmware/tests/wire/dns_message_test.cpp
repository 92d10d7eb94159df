#include "core/wire/dns_message.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace stetho;

namespace {

// A message whose header is zero.
std::vector<std::uint8_t> message(const std::string& rest) {
    std::vector<std::uint8_t> bytes(kDnsHeaderBytes, 0);
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return bytes;
}

}  // namespace

TEST_CASE("a name is read as it was written, in lower case") {
    std::array<std::uint8_t, 64> out{};
    const std::size_t size = write_dns_name("Stetho._mqtt._tcp.local", out);
    REQUIRE(size == 25);
    const auto bytes = message(std::string(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)) + "rest");
    DnsName name;
    REQUIRE(read_dns_name(bytes, kDnsHeaderBytes, name));
    CHECK(name == "stetho._mqtt._tcp.local");
    CHECK(end_of_dns_name(bytes, kDnsHeaderBytes) == kDnsHeaderBytes + size);
}

TEST_CASE("a pointer leads back to the rest of the name") {
    const auto bytes = message(std::string("\5local\0\6stetho\xc0\x0c", 16) + "rest");
    DnsName name;
    REQUIRE(read_dns_name(bytes, kDnsHeaderBytes + 7, name));
    CHECK(name == "stetho.local");
    CHECK(end_of_dns_name(bytes, kDnsHeaderBytes + 7) == kDnsHeaderBytes + 16);
    CHECK(end_of_dns_labels(bytes, kDnsHeaderBytes + 7) == kDnsHeaderBytes + 14);
}

TEST_CASE("names that are cut off, too long, or lead nowhere are none") {
    DnsName name;
    std::string chain("\1a\0", 3);
    for (int at = 12; at < 90; at += at == 12 ? 3 : 2) chain += std::string("\xc0") + static_cast<char>(at);
    std::string endless;
    for (int label = 0; label < 5; ++label) endless += '\x3f' + std::string(63, 'x');
    struct Bad {
        std::string bytes;
        std::size_t at;
    };
    const std::vector<Bad> all{
        {"", 0},
        {"\6steth", 0},
        {"\6stetho", 0},
        {"\xc0", 0},
        {"\xc0\x0c", 0},             // to itself
        {"\1a\xc0\x0c", 0},          // to its own beginning
        {"\xc0\x0e\1a", 0},          // forwards
        {"\x40" + std::string(64, 'x') + '\0', 0},
        {endless + '\0', 0},
        {chain, chain.size() - 2},
        {std::string("\6.local\5local\0", 14), 0},  // a dot in a label: as text it would be an empty one
        {std::string("\7a.local\0", 9), 0},
    };
    for (const Bad& bad : all) {
        CAPTURE(bad.bytes);
        CHECK_FALSE(read_dns_name(message(bad.bytes), kDnsHeaderBytes + bad.at, name));
    }
    const std::string half = '\x3f' + std::string(63, 'x') + '\x3f' + std::string(63, 'x') + '\x3f' + std::string(63, 'x');
    const auto bytes = message(half + '\0' + half + "\xc0\x0c");  // each part is short enough
    CHECK_FALSE(read_dns_name(bytes, kDnsHeaderBytes + half.size() + 1, name));
}

TEST_CASE("what is no name is not written") {
    std::array<std::uint8_t, 300> out{};
    CHECK(write_dns_name("", out) == 0);
    CHECK(write_dns_name("a..b", out) == 0);
    CHECK(write_dns_name(".local", out) == 0);
    CHECK(write_dns_name(std::string(64, 'x') + ".local", out) == 0);
    CHECK(write_dns_name("stetho.local", std::span(out).first(13)) == 0);
    CHECK(write_dns_name("stetho.local", std::span(out).first(14)) == 14);
    std::string longest;
    for (int label = 0; label < 4; ++label) longest += std::string(62, 'x') + '.';
    CHECK(write_dns_name(longest + "xxx", out) == 0);
}
