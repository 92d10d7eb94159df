#include "core/portal/dns_answer.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace stetho;

namespace {

constexpr std::array<std::uint8_t, 4> kAddress{192, 168, 4, 1};

std::vector<std::uint8_t> query(const std::string& name) {
    std::ifstream file(STETHO_TESTS "/fuzz/corpus/dns/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("every name is the device itself") {
    const auto question = query("a");
    std::array<std::uint8_t, kMaxDnsBytes> out{};
    const std::size_t length = answer_dns(question, kAddress, out);
    REQUIRE(length == question.size() + 16);
    CHECK(std::vector<std::uint8_t>(out.begin(), out.begin() + 8) ==
          std::vector<std::uint8_t>{0x12, 0x34, 0x85, 0, 0, 1, 0, 1});
    CHECK(std::equal(question.begin() + 12, question.end(), out.begin() + 12));
    CHECK(std::vector<std::uint8_t>(out.begin() + static_cast<std::ptrdiff_t>(question.size()),
                                    out.begin() + static_cast<std::ptrdiff_t>(length)) ==
          std::vector<std::uint8_t>{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 168, 4, 1});
}

TEST_CASE("another type of record is there, and empty; what else is in a question is left out") {
    std::array<std::uint8_t, kMaxDnsBytes> out{};
    CHECK(answer_dns(query("aaaa"), kAddress, out) == query("aaaa").size());
    CHECK(out[7] == 0);
    CHECK(answer_dns(query("edns"), kAddress, out) == query("edns").size() - 11 + 16);
    CHECK(out[11] == 0);
}

TEST_CASE("what is no whole question is not answered") {
    std::array<std::uint8_t, kMaxDnsBytes> out{};
    CHECK(answer_dns({}, kAddress, out) == 0);
    CHECK(answer_dns(query("compressed"), kAddress, out) == 0);
    const auto question = query("a");
    for (std::size_t length = 0; length < question.size(); ++length)
        CHECK(answer_dns(Bytes(question).first(length), kAddress, out) == 0);
    CHECK(answer_dns(question, kAddress, WritableBytes(out).first(question.size() + 15)) == 0);
    auto wrong = question;
    wrong[2] = 0x81;  // an answer: it would be answered without end
    CHECK(answer_dns(wrong, kAddress, out) == 0);
    wrong = question;
    wrong[5] = 2;  // two questions
    CHECK(answer_dns(wrong, kAddress, out) == 0);
    wrong = question;
    wrong.back() = 3;  // another class
    CHECK(answer_dns(wrong, kAddress, out) == 0);
    std::vector<std::uint8_t> endless(12, 0);
    endless[5] = 1;
    for (int label = 0; label < 20; ++label) {
        endless.push_back(63);
        endless.insert(endless.end(), 63, 'x');
    }
    CHECK(answer_dns(endless, kAddress, out) == 0);
}
