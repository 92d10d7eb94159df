// A device with flash: what the worker has not stored survives power-off, and is sent later.
#include "core/device/recording_keeper.h"

#include <doctest/doctest.h>

#include <memory>
#include <set>

#include "core/wire/rfc3339.h"
#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

namespace {

constexpr std::uint32_t kSectors = 100;
constexpr std::size_t kMemory = 24 * 512;  // three recordings of 4,000 samples

// Device that is switched off and on again: flash and settings stay, nothing else does.
class Bench {
  public:
    explicit Bench(std::uint32_t sectors = kSectors, std::size_t memory = kMemory)
        : memory_(memory), flash_(sectors) {
        switch_on();
    }

    DeviceFixture& operator*() { return *fixture_; }
    DeviceFixture* operator->() { return fixture_.get(); }

    void switch_on() {
        if (fixture_) flash_ = fixture_->flash;
        const auto utc = fixture_ ? fixture_->clock.utc : FakeClock().utc;
        fixture_ = std::make_unique<DeviceFixture>(test_settings(), memory_, 500, false, kSectors);
        fixture_->flash = flash_;
        fixture_->clock.utc = utc;
        fixture_->random.state = ++starts_ * 7'919;
        fixture_->network.up = false;
        fixture_->device.begin();
        fixture_->run(500);
    }

    void record() {
        fixture_->press_button();
        REQUIRE(fixture_->state() == State::kRecording);
        fixture_->run(1'500);
    }

    void go_online() {
        fixture_->network.up = true;
        fixture_->connect();
        fixture_->worker("ready");
    }

    // The worker answers each recording that is complete with `stored`.
    void store_all(std::uint32_t within_ms) {
        for (std::uint32_t at = 0; at < within_ms; at += 500) {
            fixture_->run(500);
            for (const Message& message : fixture_->mqtt.of("/up/pcm")) {
                const Chunk chunk = *decode_chunk(message.payload).chunk;
                if (chunk.header.type == ChunkType::kMeta) metas.emplace_back(chunk.body.begin(), chunk.body.end());
            }
            for (auto& [id, part] : fixture_->received()) {
                ReceivedRecording& whole = received[id];
                whole.samples.merge(part.samples);
                whole.chunks += part.chunks;
                if (part.length) whole.length = part.length;
                if (whole.meta.empty()) whole.meta = part.meta;
                if (whole.is_complete() && stored.insert(id).second) fixture_->control("stored", id);
            }
            fixture_->mqtt.sent.clear();
        }
    }

    std::map<std::uint64_t, ReceivedRecording> received;
    std::vector<std::string> metas;  // in the order in which they came
    std::set<std::uint64_t> stored;

  private:
    std::size_t memory_;
    FlashModel flash_;
    std::uint32_t starts_ = 0;
    std::unique_ptr<DeviceFixture> fixture_;
};

}  // namespace

TEST_CASE("20 recordings made offline over two restarts, more than memory holds, all arrive with their times, once") {
    Bench bench(kSectors * 2);
    std::vector<std::int64_t> times;
    for (int made = 0; made < 20; ++made) {
        if (made == 7 || made == 13) bench.switch_on();
        times.push_back(*bench->clock.utc);
        bench.record();
        CHECK(bench->shows(std::to_string(made + 1) + " kept, sent later"));
    }
    bench.switch_on();
    CHECK(bench->device.keeper().unstored() == 20);
    bench.go_online();
    bench.store_all(60'000);
    REQUIRE(bench.metas.size() == 20);
    for (std::size_t at = 0; at < 20; ++at) {
        const std::string captured = bench.metas[at].substr(bench.metas[at].find("2026-"), 24);
        CHECK(captured >= rfc3339(times[at]).view());
        CHECK(captured < rfc3339(times[at] + 200).view());
    }
    CHECK(bench.stored.size() == 20);
    for (const auto& [id, received] : bench.received) {
        CHECK(*received.length == 4'000);
        CHECK(received.chunks == 8);  // nothing twice
    }
    CHECK(bench->device.keeper().unstored() == 0);
    bench.switch_on();
    CHECK(bench->device.keeper().unstored() == 0);
}

TEST_CASE("a recording without any time says of which start it is, and no other start gives it a time") {
    Bench bench;
    bench->clock.utc.reset();
    bench.switch_on();
    bench.record();
    bench.switch_on();
    bench->clock.utc = 1'795'627'300'000;
    bench->device.on(Event::of(EventKind::kClockSet));
    bench.go_online();
    bench.store_all(3'000);
    REQUIRE(bench.received.size() == 1);
    const std::string& meta = bench.received.begin()->second.meta;
    CHECK(meta.find("\"captured_at\":null") != std::string::npos);
    const std::string boot = bench->mqtt.will.substr(bench->mqtt.will.find("\"boot\""), 17);
    CHECK(meta.find(boot) == std::string::npos);
    CHECK(meta.find("\"uptime_ms\":1") != std::string::npos);  // of the start in which it was made
}

TEST_CASE("a time that is learned before the power goes is kept") {
    Bench bench;
    bench->clock.utc.reset();
    bench.switch_on();
    bench.record();
    bench->run(5'000);
    bench->clock.utc = 1'795'627'300'000;
    bench->device.on(Event::of(EventKind::kClockSet));
    bench->run(100);
    bench.switch_on();
    bench.go_online();
    bench.store_all(3'000);
    REQUIRE(bench.received.size() == 1);
    CHECK(bench.received.begin()->second.meta.find("\"captured_at\":\"2026-11-25T17:21:3") != std::string::npos);
}

TEST_CASE("the power goes in the middle of a recording: what was written of it is sent, as cut off, and nothing else") {
    Bench bench;
    bench.record();
    bench->press_button();
    bench->run(700);
    REQUIRE(bench->state() == State::kRecording);
    bench.switch_on();
    bench.go_online();
    bench.store_all(6'000);
    REQUIRE(bench.received.size() == 2);
    std::vector<std::uint32_t> cut_off;
    for (const auto& [id, recording] : bench.received) {
        CHECK(recording.is_complete());
        const bool is_cut_off = recording.meta.find("\"cut_off\":true") != std::string::npos;
        CHECK(is_cut_off == (*recording.length < 4'000));
        if (is_cut_off) cut_off.push_back(*recording.length);
    }
    REQUIRE(cut_off.size() == 1);
    CHECK(cut_off[0] > 2'000);
    CHECK(bench->device.keeper().unstored() == 0);
}

TEST_CASE("with a broker and a worker nothing is written") {
    Bench bench;
    bench.go_online();
    bench->run(500);
    bench->press_button();
    bench.store_all(10'000);
    CHECK(bench.stored.size() == 1);
    CHECK(bench->flash.steps == 0);
}

TEST_CASE("what the worker does not store within seconds goes into flash, and out of it when it does") {
    Bench bench;
    bench.go_online();
    bench->run(500);
    bench->press_button();
    bench->run(4'000);
    CHECK(bench->device.keeper().in_flash() == 0);
    bench->run(4'000);
    CHECK(bench->device.keeper().in_flash() == 1);
    bench->control("stored", bench->newest());
    CHECK(bench->device.keeper().in_flash() == 0);
    bench.switch_on();
    CHECK(bench->device.keeper().unstored() == 0);
}

TEST_CASE("a result, too, says that the worker has it, also of an earlier start") {
    Bench bench;
    bench.record();
    bench.switch_on();
    bench.go_online();
    bench->run(2'000);
    const std::uint64_t id = bench->newest();
    bench->result(id);
    CHECK(bench->device.keeper().unstored() == 0);
    CHECK(bench->state() == State::kResult);
}

TEST_CASE("a press makes room: what is in flash leaves memory, and comes back") {
    Bench bench(kSectors, 8 * 512);  // one recording
    for (int made = 0; made < 5; ++made) bench.record();
    bench.go_online();
    bench->run(1'000);  // one is in memory again; the worker says nothing
    bench->press_button();
    CHECK(bench->state() == State::kRecording);
    bench->run(1'500);
    bench.store_all(40'000);
    CHECK(bench.stored.size() == 6);
    CHECK(bench->device.keeper().unstored() == 0);
}

TEST_CASE("flash and memory full: it says so, forgets nothing, and has room again when the worker has some") {
    Bench bench(kSectors);
    int made = 0;
    for (; made < 100; ++made) {
        bench->press_button();
        if (bench->state() != State::kRecording) break;
        bench->run(1'500);
    }
    CHECK(bench->shows("memory full"));
    CHECK(made >= 30);
    bench.go_online();
    bench.store_all(200'000);
    CHECK(bench.stored.size() == static_cast<std::size_t>(made));
    CHECK(bench->device.keeper().unstored() == 0);
    bench->press_button();
    CHECK(bench->state() == State::kRecording);
}

TEST_CASE("nothing is erased while sound is recorded") {
    Bench bench;
    for (auto& byte : bench->flash.bytes) byte = 0x55;
    bench.switch_on();  // everything must be erased first
    bench->press_button();
    const auto before = bench->flash.erases;
    bench->run(700);
    REQUIRE(bench->state() == State::kRecording);
    CHECK(bench->flash.erases == before);
    bench->run(2'000);
    CHECK(bench->device.keeper().in_flash() == 1);
}

TEST_CASE("recordings in flash keep neither an update nor a restart waiting") {
    Bench bench;
    bench.record();
    bench.go_online();
    bench->run(1'000);
    bench->down("command", R"({"id":"1","command":"update","args":{"url":"https://site/image.bin"}})");
    bench->run(40'000);  // no `stored` comes
    CHECK(bench->ota.url == "https://site/image.bin");
}
