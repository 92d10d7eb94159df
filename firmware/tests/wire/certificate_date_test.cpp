#include "core/wire/certificate_date.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

using namespace stetho;

namespace {

std::string certificate(const std::string& name) {
    std::ifstream file(STETHO_TESTS "/fuzz/corpus/certificate_date/" + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the date from which a certificate is valid, in both forms") {
    CHECK(valid_from(certificate("ec")) == 1'795'972'801);        // UTCTime, 2026-11-29T17:20:01Z
    CHECK(valid_from(certificate("rsa_2051")) == 2'561'241'599);  // GeneralizedTime, 2051-02-28T23:59:59Z
    CHECK(valid_from("# a comment\n" + certificate("ec") + certificate("rsa_2051")) == 1'795'972'801);
}

TEST_CASE("what is no certificate has no date") {
    const std::string whole = certificate("ec");
    CHECK_FALSE(valid_from(""));
    CHECK_FALSE(valid_from("-----BEGIN CERTIFICATE-----"));
    CHECK_FALSE(valid_from("-----BEGIN CERTIFICATE-----\nMIIB!!\n-----END CERTIFICATE-----\n"));
    CHECK_FALSE(valid_from("-----BEGIN PUBLIC KEY-----\nMFkwEwYH\n-----END PUBLIC KEY-----\n"));
    for (std::size_t length = 0; length < 120; ++length) CHECK_FALSE(valid_from(whole.substr(0, length)));
    for (std::size_t at = 28; at < whole.size(); ++at) {  // whatever letter is wrong: a date or none, no harm
        std::string wrong = whole;
        wrong[at] = wrong[at] == '/' ? 'A' : '/';
        valid_from(wrong);
    }
}
