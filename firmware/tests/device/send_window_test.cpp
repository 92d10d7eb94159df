#include "core/device/send_window.h"

#include <doctest/doctest.h>

#include <utility>
#include <vector>

using namespace stetho;

namespace {

constexpr std::uint64_t kId = 0x9f0c1122aabbccdd;

// Sends everything that is due, acknowledging at once; returns it.
std::vector<Transmission> drain(SendWindow& window, std::uint64_t now_ms = 0) {
    std::vector<Transmission> transmissions;
    static int token = 1;
    while (const auto transmission = window.next(now_ms)) {
        REQUIRE(transmissions.size() < 1'000);
        transmissions.push_back(*transmission);
        window.sent(*transmission, ++token, now_ms);
        REQUIRE(window.acknowledged(token, now_ms));
    }
    return transmissions;
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges(const std::vector<Transmission>& transmissions) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
    for (const Transmission& transmission : transmissions) {
        if (!transmission.is_meta) found.emplace_back(transmission.start, transmission.end);
    }
    return found;
}

using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

SendWindow sent_window(std::uint32_t samples) {
    SendWindow window(100, 4);
    REQUIRE(window.begin(kId));
    window.end(kId, samples);
    drain(window);
    return window;
}

}  // namespace

TEST_CASE("a recording leaves while it is made: META, whole chunks, then the rest with LAST") {
    SendWindow window(100, 4);
    REQUIRE(window.begin(kId));
    CHECK(drain(window).empty());
    window.captured(kId, 99);
    auto transmissions = drain(window);
    REQUIRE(transmissions.size() == 1);
    CHECK(transmissions[0].is_meta);
    window.captured(kId, 250);
    CHECK(ranges(drain(window)) == Pairs{{0, 100}, {100, 200}});
    CHECK_FALSE(window.is_sent(kId));
    window.end(kId, 330);
    transmissions = drain(window);
    CHECK(ranges(transmissions) == Pairs{{200, 300}, {300, 330}});
    CHECK_FALSE(transmissions[0].is_last);
    CHECK(transmissions[1].is_last);
    CHECK_FALSE(transmissions[1].is_resend());
    CHECK(window.is_sent(kId));
    CHECK(window.unsent() == 0);
}

TEST_CASE("a recording whose last samples have left already ends with an empty LAST") {
    SendWindow window(100, 4);
    REQUIRE(window.begin(kId));
    window.captured(kId, 200);
    drain(window);
    window.end(kId, 200);
    const auto transmissions = drain(window);
    REQUIRE(transmissions.size() == 1);
    CHECK(transmissions[0].start == 200);
    CHECK(transmissions[0].end == 200);
    CHECK(transmissions[0].is_last);
}

TEST_CASE("no more is in flight than the window has room for; a full client leaves all as it was") {
    SendWindow window(100, 3);
    REQUIRE(window.begin(kId));
    window.end(kId, 1'000);
    for (int token = 1; token <= 3; ++token) {
        const auto transmission = window.next(0);
        REQUIRE(transmission);
        CHECK(window.next(0)->start == transmission->start);  // looking changes nothing
        window.sent(*transmission, token, 0);
    }
    CHECK_FALSE(window.next(0));
    CHECK(window.acknowledged(2, 0));
    CHECK_FALSE(window.acknowledged(2, 0));
    CHECK_FALSE(window.acknowledged(99, 0));
    CHECK(window.next(0)->start == 200);
}

TEST_CASE("what was in flight when the connection was lost leaves again, without RESEND") {
    SendWindow window(100, 4);
    REQUIRE(window.begin(kId));
    window.captured(kId, 300);
    for (int token = 1; token <= 4; ++token) window.sent(*window.next(0), token, 0);
    CHECK(window.acknowledged(2, 0));
    window.on_connection_lost();
    CHECK_FALSE(window.acknowledged(3, 0));  // of a connection that is gone
    window.end(kId, 350);
    const auto transmissions = drain(window);
    CHECK(ranges(transmissions) == Pairs{{100, 200}, {200, 300}, {300, 350}});
    CHECK(std::count_if(transmissions.begin(), transmissions.end(),
                        [](auto& transmission) { return transmission.is_meta; }) == 1);
    CHECK(std::none_of(transmissions.begin(), transmissions.end(),
                       [](auto& transmission) { return transmission.is_resend(); }));
    CHECK(window.is_sent(kId));
    CHECK(window.progress(kId).done == 350);
}

TEST_CASE("an empty LAST that was lost on the way leaves again") {
    SendWindow window(100, 4);
    REQUIRE(window.begin(kId));
    window.captured(kId, 100);
    drain(window);
    window.end(kId, 100);
    window.sent(*window.next(0), 77, 0);
    window.on_connection_lost();
    CHECK_FALSE(window.is_sent(kId));
    const auto transmissions = drain(window);
    REQUIRE(transmissions.size() == 1);
    CHECK(transmissions[0].is_last);
}

TEST_CASE("what the worker asks for leaves with RESEND, in chunks, before anything else") {
    SendWindow window = sent_window(1'000);
    REQUIRE(window.begin(2));
    window.captured(2, 1);
    const SampleRange asked[] = {{50, 250}, {990, SampleRange::kToEnd}};
    window.request(kId, asked, true, 0);
    const auto transmissions = drain(window);
    REQUIRE(transmissions.size() == 5);
    CHECK(transmissions[0].is_meta);
    CHECK(transmissions[0].recording_id == kId);
    CHECK(ranges({transmissions.begin(), transmissions.begin() + 4}) ==
          Pairs{{50, 150}, {150, 250}, {990, 1'000}});
    CHECK(transmissions[3].is_last);
    CHECK(std::all_of(transmissions.begin(), transmissions.begin() + 4,
                      [](auto& transmission) { return transmission.is_resend(); }));
    CHECK(transmissions[4].recording_id == 2);
}

TEST_CASE("asked to the end when nothing of it is missing, LAST leaves alone") {
    SendWindow window = sent_window(200);
    const SampleRange asked[] = {{200, SampleRange::kToEnd}};
    window.request(kId, asked, false, 0);
    const auto transmissions = drain(window);
    REQUIRE(transmissions.size() == 1);
    CHECK(transmissions[0].start == 200);
    CHECK(transmissions[0].end == 200);
    CHECK(transmissions[0].is_last);
    CHECK(transmissions[0].is_resend());
}

TEST_CASE("the newest request replaces an older one, and nonsense is cut to what there is") {
    SendWindow window = sent_window(300);
    const SampleRange first[] = {{0, 300}};
    const SampleRange second[] = {{5'000, 6'000}, {200, 4'000'000'000}, {9, 9}, {8, 3}};
    window.request(kId, first, false, 0);
    window.request(kId, second, false, 0);
    CHECK(ranges(drain(window)) == Pairs{{200, 300}});
    window.request(4711, first, true, 0);  // unknown
    CHECK(drain(window).empty());
}

TEST_CASE("while it is still being sent, only what has left is sent again") {
    SendWindow window(100, 4);
    REQUIRE(window.begin(kId));
    window.captured(kId, 250);
    drain(window);
    const SampleRange asked[] = {{100, 9'000}, {50, SampleRange::kToEnd}};
    window.request(kId, asked, false, 0);
    const auto transmissions = drain(window);
    CHECK(ranges(transmissions) == Pairs{{100, 200}});
    CHECK_FALSE(transmissions[0].is_last);
}

TEST_CASE("a request of the end is ignored while the end is on its way") {
    SendWindow window(100, 4);
    REQUIRE(window.begin(kId));
    window.end(kId, 150);
    while (const auto transmission = window.next(0)) window.sent(*transmission, 1, 0);
    const SampleRange asked[] = {{0, SampleRange::kToEnd}};
    window.request(kId, asked, false, 0);
    CHECK_FALSE(window.next(0));
    while (window.acknowledged(1, 0)) {
    }
    window.request(kId, asked, false, 0);
    CHECK(ranges(drain(window)) == Pairs{{0, 100}, {100, 150}});
}

TEST_CASE("the reminder follows a lost connection at once, because `stored` may have been lost") {
    SendWindow window = sent_window(250);
    CHECK_FALSE(window.next(10));
    window.on_connection_lost();
    const auto transmissions = drain(window, 10);
    REQUIRE(transmissions.size() == 1);
    CHECK(transmissions[0].reason == SendReason::kReminder);
    CHECK_FALSE(window.next(1'000));
}

TEST_CASE("without `stored` the last chunk leaves again, each time after twice as long") {
    SendWindow window = sent_window(250);
    CHECK_FALSE(window.next(SendWindow::kRemindAfterMs - 1));
    std::uint64_t now_ms = 0;
    std::uint64_t wait_ms = SendWindow::kRemindAfterMs;
    for (int round = 0; round < 12; ++round) {
        now_ms += wait_ms;
        CHECK_FALSE(window.next(now_ms - 1));
        const auto transmissions = drain(window, now_ms);
        REQUIRE(transmissions.size() == 1);
        CHECK(transmissions[0].start == 200);
        CHECK(transmissions[0].end == 250);
        CHECK(transmissions[0].is_last);
        CHECK(transmissions[0].is_resend());
        wait_ms = std::min<std::uint64_t>(wait_ms * 2, SendWindow::kRemindAtMostMs);
    }
    window.erase(kId);
    CHECK_FALSE(window.next(now_ms + 10'000'000));
}

TEST_CASE("the recording that is being made goes before those that waited") {
    SendWindow window(100, 4);
    REQUIRE(window.begin(1));
    window.end(1, 500);
    REQUIRE(window.begin(2));
    window.captured(2, 100);
    const auto transmissions = drain(window);
    CHECK(transmissions[0].recording_id == 2);
    CHECK(transmissions[1].recording_id == 2);
    CHECK(transmissions[2].recording_id == 1);
}

TEST_CASE("no more recordings than there is room for; one that is forgotten makes room") {
    SendWindow window(100, 4);
    for (std::uint64_t id = 1; id <= SendWindow::kRecordings; ++id) CHECK(window.begin(id));
    CHECK_FALSE(window.begin(99));
    CHECK_FALSE(window.begin(3));
    window.captured(1, 10);
    window.sent(*window.next(0), 5, 0);
    window.erase(1);
    CHECK(window.begin(99));
    CHECK(window.acknowledged(5, 0));  // its PUBACK comes all the same
    CHECK(window.held() == SendWindow::kRecordings);
}

TEST_CASE("what the broker may not have is never forgotten") {
    SendWindow window(100, 4);
    REQUIRE(window.begin(kId));
    window.captured(kId, 1'000);
    window.sent(*window.next(0), 1, 0);  // META
    for (int token = 2; token <= 4; ++token) window.sent(*window.next(0), token, 0);
    CHECK(window.needed_from(kId) == 0);
    window.acknowledged(2, 0);
    CHECK(window.needed_from(kId) == 100);
    window.acknowledged(4, 0);
    CHECK(window.needed_from(kId) == 100);
    window.on_connection_lost();
    CHECK(window.needed_from(kId) == 100);
    window.acknowledged(3, 0);
    drain(window);
    CHECK(window.needed_from(kId) == 1'000);
}

TEST_CASE("a chunk that ends at a gap goes on after it, and samples that are nowhere are passed over") {
    SendWindow window(100, 4);
    REQUIRE(window.begin(kId));
    window.captured(kId, 1);
    drain(window);
    window.end(kId, 100);
    Transmission transmission = *window.next(0);
    CHECK(transmission.is_last);
    transmission.end = 40;
    transmission.is_last = false;
    window.sent(transmission, 1, 0);
    window.acknowledged(1, 0);
    CHECK(window.next(0)->start == 40);
    transmission = *window.next(0);
    transmission.end = 70;
    transmission.is_last = false;
    window.skip(transmission, 0);
    CHECK(ranges(drain(window)) == Pairs{{70, 100}});
    CHECK(window.is_sent(kId));
    CHECK(window.progress(kId).done == 100);
}
