// The power is cut at every byte that a store writes and in every erase: what was kept is there, what was dropped is
// not, and nothing that is there was not recorded.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "tests/recording_store_fixture.h"

using namespace stetho;
using namespace stetho::test;

namespace {

constexpr std::uint64_t kGoesOnEvery = 7;  // steps; a prime, so that every kind of byte is met

// What a device has done so far, for certain.
struct Ledger {
    std::set<std::uint64_t> begun;
    std::map<std::uint64_t, std::uint32_t> whole;  // id and length
    std::set<std::uint64_t> dropped;
    std::uint64_t at_work = 0;                     // what was in progress when the power was cut
};

std::vector<std::int16_t> sound_of(std::uint64_t id, std::uint32_t length) {
    return counted(static_cast<std::uint32_t>(id) * 1'000, length);
}

// Keeps some recordings and drops some, so that sectors are used again; stops when the power is cut.
void work(Store& store, FlashModel& flash, Ledger& ledger, std::uint64_t first_id) {
    for (std::uint64_t id = first_id; id < first_id + 5 && !flash.is_off; ++id) {
        const std::uint32_t length = 60 + 650 * static_cast<std::uint32_t>(id % 4);
        ledger.begun.insert(id);
        ledger.at_work = id;
        if (!store.keep(info(id), sound_of(id, length)) || flash.is_off) return;
        ledger.whole[id] = length;
        ledger.at_work = 0;
        if (id % 5 == 0) continue;
        const std::uint64_t old = ledger.whole.begin()->first;
        ledger.at_work = old;
        ledger.whole.erase(old);
        store.store.drop(old);
        if (!flash.is_off) ledger.dropped.insert(old);
        while (!flash.is_off && store.store.erase_one()) {
        }
        if (flash.is_off) return;
        ledger.at_work = 0;
    }
}

void check(const Store& store, const Ledger& ledger) {
    for (const auto& [id, length] : ledger.whole) {
        const KeptRecording* kept = store.store.find(id);
        REQUIRE(kept != nullptr);
        CHECK(kept->is_whole);
        CHECK(kept->length == length);
    }
    for (const auto* kept = store.store.next_after(0); kept != nullptr; kept = store.store.next_after(kept->log)) {
        const std::uint64_t id = kept->recording_id;
        CHECK(ledger.begun.count(id) == 1);
        CHECK(ledger.dropped.count(id) == 0);
        CHECK((ledger.whole.count(id) == 1 || ledger.at_work == id));
        BufferMemory memory(8);
        REQUIRE(store.store.load(id, memory.buffer));
        const ReadRecording received = read_all(memory.buffer, id);
        const auto made = sound_of(id, static_cast<std::uint32_t>(received.samples.size()));
        const bool is_same = std::ranges::equal(received.samples, made,
                                                [](const auto& read, std::int16_t sample) { return read == sample; });
        CHECK(is_same);
    }
}

}  // namespace

TEST_CASE("a power cut at any byte of any write, or in any erase, leaves a store that is right") {
    FlashModel flash(8);
    Ledger ledger;
    flash.at_each_step = [&](FlashModel& image) {
        CAPTURE(flash.steps);
        Store after(image, 3);
        check(after, ledger);
        if (flash.steps % kGoesOnEvery != 0) return;
        REQUIRE(after.keep(info(99), sound_of(99, 700)));  // it goes on
        Ledger later = ledger;
        later.begun.insert(99);
        later.whole[99] = 700;
        check(Store(image, 3), later);
    };
    for (const std::uint64_t first_id : {std::uint64_t{1}, std::uint64_t{6}}) {
        Store store(flash, 3);
        work(store, flash, ledger, first_id);
    }
    CHECK(flash.steps > 10'000);
    CHECK(std::accumulate(flash.erases.begin(), flash.erases.end(), 0U) > 5);
}

TEST_CASE("cuts at random, one after another, for a long time") {
    for (unsigned seed = 1; seed <= 30; ++seed) {
        CAPTURE(seed);
        FlashModel flash(10, seed);
        std::mt19937 random(seed);
        Ledger ledger;
        for (std::uint64_t round = 0; round < 25; ++round) {
            flash.restore_power();
            Store store(flash, static_cast<std::uint32_t>(random()));
            check(store, ledger);
            // What was in progress may be there or not; from here on it counts as what it is.
            ledger.dropped.insert(ledger.at_work);
            store.store.drop(ledger.at_work);
            ledger.at_work = 0;
            flash.cut_after = random() % 9'000;
            work(store, flash, ledger, 1 + round * 5);
        }
    }
}
