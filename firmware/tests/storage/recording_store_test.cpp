#include "core/storage/recording_store.h"

#include <doctest/doctest.h>


#include "tests/recording_store_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("what was kept is there after a restart, sample for sample, with all that META says of it") {
    FlashModel flash(32);
    RecordingInfo kept = info(7);
    kept.started_ms = 12'345;
    kept.captured_unix_ms = 1'795'627'201'123;
    kept.is_stream = true;
    kept.site = "MV";
    kept.models = "heart2,heart5";
    kept.amplification = 4;
    kept.boot = 0x9f3a12cd;
    kept.battery_percent = 100;
    Store before(flash);
    REQUIRE(before.keep(kept, counted(0, 5'000)));

    Store after(flash);
    REQUIRE(after.store.count() == 1);
    const KeptRecording* found = after.store.next_after(0);
    CHECK(found->recording_id == 7);
    CHECK(found->length == 5'000);
    CHECK(found->is_whole);
    BufferMemory memory(16);
    REQUIRE(after.store.load(7, memory.buffer));
    CHECK(is_counted(read_all(memory.buffer, 7), 0, 5'000));
    const RecordingInfo& loaded = memory.buffer.find(7)->info();
    CHECK(loaded.started_ms == 12'345);
    CHECK(loaded.captured_unix_ms == 1'795'627'201'123);
    CHECK(loaded.sample_rate_hz == 4'000);
    CHECK(loaded.is_stream);
    CHECK(loaded.site == "MV");
    CHECK(loaded.models == "heart2,heart5");
    CHECK(loaded.amplification == 4);
    CHECK(loaded.boot == 0x9f3a12cd);
    CHECK(loaded.battery_percent == 100);
}

TEST_CASE("a level of the battery of 0 is one, and none is none") {
    FlashModel flash(32);
    RecordingInfo flat = info(1);
    flat.battery_percent = 0;
    Store before(flash);
    REQUIRE(before.keep(flat, counted(0, 900)));
    REQUIRE(before.keep(info(2), counted(0, 900)));
    Store after(flash);
    CHECK(after.store.info(*after.store.find(1))->battery_percent == 0);
    CHECK_FALSE(after.store.info(*after.store.find(2))->battery_percent);
}

TEST_CASE("a time that is learned later counts, also for a recording that is over; without one there is none") {
    FlashModel flash(32);
    Store before(flash);
    REQUIRE(before.keep(info(1), counted(0, 900)));
    REQUIRE(before.keep(info(2), counted(0, 900)));
    CHECK(before.store.set_captured(1, 1'795'627'201'123) == StoreResult::kDone);
    Store after(flash);
    BufferMemory memory(16);
    REQUIRE(after.store.load(1, memory.buffer));
    REQUIRE(after.store.load(2, memory.buffer));
    CHECK(memory.buffer.find(1)->info().captured_unix_ms == 1'795'627'201'123);
    CHECK_FALSE(memory.buffer.find(2)->info().captured_unix_ms);
}

TEST_CASE("a check of the flash touches no recording, leaves its sector erased, and finds one that holds nothing") {
    FlashModel flash(4);
    Store store(flash);
    REQUIRE(store.keep(info(1), counted(0, 900)));
    const std::vector<std::uint8_t> before = flash.bytes;
    CHECK(store.store.check_free() == true);
    CHECK(flash.bytes == before);
    int bad = 0;
    for (std::uint32_t sector = 0; sector < 4; ++sector) {
        FlashModel stuck = flash;
        stuck.stuck_sector = sector;
        Store checked(stuck);
        for (int round = 0; round < 3; ++round) bad += checked.store.check_free() == false ? 1 : 0;
        CHECK(checked.store.find(1) != nullptr);
    }
    CHECK(bad == 3);  // the three that are free, each once
    REQUIRE(store.keep(info(2), counted(0, 3 * RecordingStore::kSectorSamples - 300)));
    CHECK_FALSE(store.store.check_free());
}

TEST_CASE("a power cut at any step of a check leaves every recording, and a sector that can be used") {
    FlashModel flash(4);
    Store before(flash);
    REQUIRE(before.keep(info(1), counted(0, 900)));
    flash.at_each_step = [](FlashModel& image) {
        Store after(image);
        BufferMemory memory(16);
        CHECK(after.store.count() == 1);
        CHECK(after.store.load(1, memory.buffer));
        CHECK(after.store.has_room(RecordingStore::kSectorSamples));  // in the other three sectors
    };
    CHECK(before.store.check_free() == true);
}

TEST_CASE("gaps, and a beginning that was not kept, stay gaps") {
    FlashModel flash(32);
    Store before(flash);
    REQUIRE(before.begin(info(1)));
    REQUIRE(before.append(1, 500, counted(500, 300)));
    REQUIRE(before.append(1, 1'000, counted(1'000, 100)));
    REQUIRE(before.end(1, 1'200));
    Store after(flash);
    BufferMemory memory(16);
    REQUIRE(after.store.load(1, memory.buffer));
    const ReadRecording received = read_all(memory.buffer, 1);
    REQUIRE(received.samples.size() == 1'200);
    CHECK(is_counted(received, 500, 800));
    CHECK(is_counted(received, 1'000, 1'100));
    CHECK_FALSE(received.samples[0]);
    CHECK_FALSE(received.samples[800]);
    CHECK_FALSE(received.samples[1'199]);
}

TEST_CASE("oldest first, over restarts; what was dropped does not come back") {
    FlashModel flash(64);
    for (std::uint64_t id = 1; id <= 6; ++id) {
        Store store(flash, static_cast<std::uint32_t>(id * 17));
        REQUIRE(store.keep(info(id), counted(0, 2'500)));
        if (id % 3 == 0) store.store.drop(id - 1);
    }
    Store after(flash);
    std::vector<std::uint64_t> ids;
    for (const auto* kept = after.store.next_after(0); kept != nullptr; kept = after.store.next_after(kept->log))
        ids.push_back(kept->recording_id);
    CHECK(ids == std::vector<std::uint64_t>{1, 3, 4, 6});
}

TEST_CASE("a store that is full says so, keeps what it has, and has room again when something is dropped") {
    FlashModel flash(8);
    Store store(flash);
    REQUIRE(store.keep(info(1), counted(0, 5'000)));  // three sectors each
    REQUIRE(store.keep(info(2), counted(0, 5'000)));
    CHECK_FALSE(store.keep(info(3), counted(0, 5'000)));
    CHECK(store.last == StoreResult::kFull);
    store.store.drop(3);
    store.store.drop(1);
    REQUIRE(store.keep(info(4), counted(0, 5'000)));
    BufferMemory memory(32);
    for (const std::uint64_t id : {std::uint64_t{2}, std::uint64_t{4}}) {
        REQUIRE(store.store.load(id, memory.buffer));
        CHECK(is_counted(read_all(memory.buffer, id), 0, 5'000));
    }
}

TEST_CASE("the partition of the board holds 5 recordings of 4 s at 44.1 kHz, or 51 at 4 kHz") {
    for (const auto& [rate, most] : {std::pair{44'100U, 5U}, std::pair{4'000U, 51U}}) {
        FlashModel flash(0x1D0000 / FlashModel::kSector);
        Store store(flash);
        std::uint64_t made = 0;
        while (store.store.has_room(4 * rate) && store.keep(info(made + 1), counted(0, 4 * rate))) ++made;
        CHECK(made == most);
    }
}

TEST_CASE("no more recordings than there are places, and none without flash") {
    FlashModel flash(100);
    Store store(flash);
    for (std::uint64_t id = 1; id <= RecordingStore::kMaxRecordings; ++id) REQUIRE(store.keep(info(id), counted(0, 10)));
    CHECK(store.store.begin(info(99)) == StoreResult::kFull);
    FlashModel none(0);
    Store without(none);
    CHECK(without.store.begin(info(1)) == StoreResult::kFull);
    CHECK_FALSE(without.store.erase_one());
    CHECK(without.store.count() == 0);
}

TEST_CASE("a sector that holds nothing is left out") {
    FlashModel flash(8);
    flash.stuck_sector = 2;
    Store store(flash);
    REQUIRE(store.keep(info(1), counted(0, 9'000)));
    Store after(flash);
    BufferMemory memory(32);
    REQUIRE(after.store.load(1, memory.buffer));
    CHECK(is_counted(read_all(memory.buffer, 1), 0, 9'000));
}

TEST_CASE("bytes that rot cost the sound in them, and nothing else") {
    FlashModel flash(16);
    Store before(flash);
    REQUIRE(before.keep(info(1), counted(0, 9'000)));
    const std::uint32_t sector = before.store.find(1)->first_sector + 1U;
    flash.bytes[sector * FlashModel::kSector + 1'000] ^= 0x10;
    Store after(flash);
    BufferMemory memory(32);
    REQUIRE(after.store.load(1, memory.buffer));
    const ReadRecording received = read_all(memory.buffer, 1);
    REQUIRE(received.samples.size() == 9'000);
    int missing = 0;
    for (std::size_t at = 0; at < received.samples.size(); ++at) {
        if (received.samples[at])
            CHECK(*received.samples[at] == static_cast<std::int16_t>(at));
        else
            ++missing;
    }
    CHECK(missing > 0);
    CHECK(missing < 2'000);
}

TEST_CASE("flash that never was a store becomes one") {
    FlashModel flash(16);
    std::mt19937 random(5);
    for (auto& byte : flash.bytes) byte = static_cast<std::uint8_t>(random());
    Store store(flash);
    CHECK(store.store.count() == 0);
    CHECK(store.store.begin(info(1)) == StoreResult::kMustErase);
    REQUIRE(store.keep(info(1), counted(0, 9'000)));
    CHECK(Store(flash).store.count() == 1);
}

TEST_CASE("every sector wears alike, whether the device is restarted or not") {
    for (const bool restarts : {false, true}) {
        CAPTURE(restarts);
        FlashModel flash(40);
        std::mt19937 random(3);
        auto store = std::make_unique<Store>(flash, static_cast<std::uint32_t>(random()));
        for (std::uint64_t id = 1; id <= 1'500; ++id) {
            REQUIRE(store->keep(info(id), counted(0, static_cast<std::uint32_t>(1 + random() % 4'000))));
            store->store.drop(id);
            while (store->store.erase_one()) {
            }
            if (restarts) store = std::make_unique<Store>(flash, static_cast<std::uint32_t>(random()));
        }
        const auto [least, most] = std::ranges::minmax(flash.erases);
        const double mean = std::accumulate(flash.erases.begin(), flash.erases.end(), 0.0) / 40;
        CAPTURE(least);
        CAPTURE(most);
        CHECK(mean > 30);
        CHECK(most < (restarts ? 1.5 : 1.1) * mean);
        CHECK(least > (restarts ? 0.5 : 0.9) * mean);
    }
}
