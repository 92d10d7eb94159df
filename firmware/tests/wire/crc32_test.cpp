#include "core/wire/crc32.h"

#include <doctest/doctest.h>

#include "tests/test_vector.h"

using namespace stetho;

TEST_CASE("the check value of the catalogue of CRCs") {
    CHECK(crc32(test::bytes_of("123456789")) == 0xCBF4'3926);
}

TEST_CASE("nothing has the CRC zero") { CHECK(crc32({}) == 0); }

TEST_CASE("a CRC in two parts is that of the whole") {
    const auto whole = test::bytes_of("lub-dub, lub-dub");
    for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
        CHECK(crc32(whole.subspan(cut), crc32(whole.first(cut))) == crc32(whole));
    }
}
