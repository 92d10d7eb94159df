#include "core/storage/gap_list.h"

#include <doctest/doctest.h>

using namespace stetho;

namespace {

// Gaps [10, 15) and [30, 40).
GapList two_gaps() {
    GapList gaps;
    gaps.append({10, 5});
    gaps.append({30, 10});
    return gaps;
}

}  // namespace

TEST_CASE("positions leave out the gaps before them, and lead back to the index") {
    const GapList gaps = two_gaps();
    CHECK(gaps.position_of(9) == 9);
    CHECK(gaps.position_of(15) == 10);
    CHECK(gaps.position_of(40) == 25);
    for (const std::uint32_t index : {0U, 9U, 15U, 29U, 40U, 1'000U}) {
        CHECK(gaps.index_at(gaps.position_of(index)) == index);
    }
}

TEST_CASE("a gap is found by its end, by a sample in it, and by what comes next") {
    const GapList gaps = two_gaps();
    CHECK(gaps.ending_at(15)->start == 10);
    CHECK(gaps.ending_at(14) == nullptr);
    CHECK(gaps.containing(14)->start == 10);
    CHECK(gaps.containing(15) == nullptr);
    CHECK(gaps.next_start(10, 99) == 10);
    CHECK(gaps.next_start(11, 99) == 30);
    CHECK(gaps.next_start(31, 99) == 99);
}

TEST_CASE("gaps that are removed still count in the positions of what is left") {
    GapList gaps = two_gaps();
    gaps.remove_before(15);
    CHECK(gaps.containing(12) == nullptr);
    CHECK(gaps.position_of(20) == 15);
    CHECK(gaps.index_at(15) == 20);
    gaps.remove_before(100);
    CHECK(gaps.is_empty());
}

TEST_CASE("the last gap is extended, and the list is full after sixteen") {
    GapList gaps;
    for (std::uint32_t start = 0; !gaps.is_full(); start += 10) gaps.append({start, 1});
    CHECK(gaps.last().start == 10 * (GapList::kMaxGaps - 1));
    gaps.extend_last(200);
    CHECK(gaps.last().end() == 200);
}
