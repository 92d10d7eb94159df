// Test of a send window over a connection that loses messages and breaks, with a worker that requests what is
// missing.
#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "core/device/send_window.h"

using namespace stetho;

namespace {

constexpr std::uint64_t kId = 0x9f0c1122aabbccdd;

// A broker that loses the connection and a worker that requests: everything must arrive, in bounded traffic.
struct LossyWorker {
    explicit LossyWorker(unsigned seed) : random(seed) {}

    void receive(const Transmission& transmission) {
        if (transmission.is_meta) {
            has_meta = true;
            return;
        }
        for (std::uint32_t at = transmission.start; at < transmission.end; ++at) received[at] = true;
        if (transmission.is_last) length = transmission.end;
    }

    bool is_complete() const { return has_meta && length && received.size() == *length; }

    void request_missing(SendWindow& window, std::uint64_t now_ms) {
        std::vector<SampleRange> ranges;
        std::uint32_t at = 0;
        for (const auto& [sample, was_heard] : received) {
            if (sample > at) ranges.push_back({at, sample});
            at = sample + 1;
        }
        if (!length || at < *length) ranges.push_back({at, SampleRange::kToEnd});
        ranges.resize(std::min(ranges.size(), SendWindow::kRanges));
        window.request(kId, ranges, !has_meta, now_ms);
    }

    std::mt19937 random;
    std::map<std::uint32_t, bool> received;
    std::optional<std::uint32_t> length;
    bool has_meta = false;
};

}  // namespace

TEST_CASE("whatever is lost on the way, everything arrives, and not much more than everything") {
    for (unsigned seed = 0; seed < 200; ++seed) {
        CAPTURE(seed);
        LossyWorker worker(seed);
        SendWindow window(10, 1 + seed % SendWindow::kInFlight);
        REQUIRE(window.begin(kId));
        std::deque<int> unacknowledged;
        std::uint32_t captured = 0;
        int token = 0;
        int rounds = 0;
        for (std::uint64_t now_ms = 0; !worker.is_complete(); now_ms += 50) {
            REQUIRE(++rounds < 3'000);
            if (captured < 205)
                window.captured(kId, captured += 5);
            else
                window.end(kId, captured);
            while (const auto transmission = window.next(now_ms)) {
                window.sent(*transmission, ++token, now_ms);
                unacknowledged.push_back(token);
                REQUIRE(unacknowledged.size() <= 1 + seed % SendWindow::kInFlight);
                if (worker.random() % 4 != 0)
                    worker.receive(*transmission);  // a proxy drops the rest, the broker acknowledges
            }
            while (!unacknowledged.empty() && worker.random() % 3 != 0) {
                CHECK(window.acknowledged(unacknowledged.front(), now_ms));
                unacknowledged.pop_front();
            }
            if (worker.random() % 20 == 0) {
                window.on_connection_lost();
                unacknowledged.clear();
            }
            if (worker.random() % 10 == 0) worker.request_missing(window, now_ms);
        }
        CHECK(*worker.length == captured);
    }
}
