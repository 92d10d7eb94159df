// Fixture of a whole device on fake hardware. Broker and worker are only the few lines that decode what
// arrived; the tests in tests/firmware use the real ones.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/device/device.h"
#include "core/wire/chunk.h"
#include "tests/fake_hardware.h"
#include "tests/fake_storage.h"
#include "tests/flash_model.h"
#include "tests/stored_settings.h"

namespace stetho::test {

class RandomGenerator {
  public:
    explicit RandomGenerator(unsigned seed) : engine_(seed) {}
    unsigned operator()() { return static_cast<unsigned>(engine_()); }

  private:
    std::mt19937 engine_;
};

// Recording as a worker would have assembled it.
struct ReceivedRecording {
    std::map<std::uint32_t, std::int16_t> samples;
    std::optional<std::uint32_t> length;
    std::string meta;
    std::uint8_t flags = 0;  // of all chunks together
    int chunks = 0;
    std::uint32_t sample_rate_hz = 0;

    bool is_complete() const { return length && samples.size() == *length && !meta.empty(); }
};

inline Settings test_settings() {
    Settings settings;
    settings.wifi_ssid = "ward";
    settings.wifi_password = "password";
    settings.host = "broker";
    settings.device_id = "st-01";
    settings.password = "secret";
    settings.sample_rate_hz = 4'000;
    settings.record_ms = 1'000;
    return settings;
}

class DeviceFixture {
  public:
    explicit DeviceFixture(const std::optional<Settings>& stored = test_settings(),
                           std::size_t memory_samples = 64 * 512, std::uint32_t chunk_samples = 500,
                           bool lacks_psram = false, std::uint32_t flash_sectors = 0)
        : flash(flash_sectors),
          samples_(memory_samples),
          links_(memory_samples / RecordingBuffer::kBlockSamples),
          pre_roll_(2'000),
          message_(std::max<std::size_t>(32 + 2 * chunk_samples, hal::kMaxValueBytes) / 2),
          device({samples_,
                  links_,
                  pre_roll_,
                  {reinterpret_cast<std::uint8_t*>(message_.data()), message_.size() * 2},
                  chunk_samples,
                  4},
                 {audio, mqtt, network, storage, clock, random, ota, system, battery, flash},
                 {"stetho 0.2.0", "bench", lacks_psram}) {
        if (stored) REQUIRE(save(*stored, storage));
    }

    // Inputs:

    // Lets time pass: the microphone delivers sound, the broker acknowledges.
    void run(std::uint32_t ms) {
        for (std::uint32_t at = 0; at < ms; at += 10) {
            clock.now += 10;
            if (clock.utc) *clock.utc += 10;
            if (has_microphone && !device.is_asleep()) feed_audio(device.settings().sample_rate_hz / 100);
            if (acknowledges) acknowledge();
            if (grants) answer_subscriptions();
            device.tick();
        }
    }

    void feed_audio(std::size_t count, std::uint32_t lost = 0) {
        spoken_ += lost;
        std::vector<std::int16_t> block(count);
        for (auto& sample : block) {
            const double beat = std::sin(0.05 * spoken_);
            sample = silent ? std::int16_t{3} : static_cast<std::int16_t>(amplitude * beat);
            ++spoken_;
        }
        device.on(Event::audio(block, lost, microphone));
    }

    void acknowledge() {
        const auto tokens = std::exchange(mqtt.unacknowledged, {});
        for (const int token : tokens) device.on(Event::puback(token));
    }

    // Accepts the connection that the device attempts.
    void connect() {
        for (int round = 0; round < 10'000 && !mqtt.is_attempting; ++round) run(10);
        REQUIRE(mqtt.is_attempting);
        mqtt.is_attempting = false;
        accept();
        run(10);
    }

    void accept() {
        mqtt.is_connected = true;
        device.on(Event::of(EventKind::kMqttConnected));
        if (grants) answer_subscriptions();
    }

    void answer_subscriptions(bool is_granted = true) {
        for (; mqtt.unanswered > 0; --mqtt.unanswered) device.on(Event::subscribed(is_granted));
    }

    void disconnect(hal::ConnectionLoss loss = hal::ConnectionLoss::kUnreachable) {
        mqtt.is_connected = mqtt.is_attempting = false;
        mqtt.unanswered = 0;
        mqtt.unacknowledged.clear();
        device.on(Event::disconnected(loss));
        device.tick();
    }

    void worker(std::string_view state) {
        message("stetho/v1/worker/w1", std::string("{\"state\":\"") + std::string(state) + "\"}");
    }

    void press_button(std::uint32_t ms = 100) {
        device.on(Event::button(true));
        run(ms);
        device.on(Event::button(false));
        run(50);
    }

    void message(const std::string& topic, const std::string& payload) {
        device.on(
            Event::message(topic, {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}));
    }

    void down(const std::string& leaf, const std::string& payload) {
        message("stetho/v1/device/st-01/down/" + leaf, payload);
    }

    void control(const std::string& type, std::uint64_t id, const std::string& more = "") {
        down("control", "{\"type\":\"" + type + "\",\"recording_id\":\"" +
                            std::string(recording_name(id).view()) + "\"" + more + "}");
    }

    void result(std::uint64_t id, const std::string& label = "normal") {
        down("result", "{\"v\":1,\"recording_id\":\"" + std::string(recording_name(id).view()) +
                           "\",\"status\":\"ok\",\"bpm\":72,\"model\":\"heart5\",\"label\":\"" + label +
                           "\",\"confidence\":0.985,\"accepted\":true}");
    }

    void form(const std::string& text) {
        device.on(Event::provisioned({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
    }

    // Outputs:

    // Returns the recordings, by id, in everything that was ever published; a chunk that does not decode
    // fails the test.
    std::map<std::uint64_t, ReceivedRecording> received() const {
        std::map<std::uint64_t, ReceivedRecording> all;
        for (const Message& message : mqtt.of("/up/pcm")) {
            CHECK(message.qos == 1);
            const auto decoded = decode_chunk(message.payload);
            REQUIRE(decoded.chunk);
            const ChunkHeader& header = decoded.chunk->header;
            ReceivedRecording& received = all[header.recording_id];
            received.sample_rate_hz = header.sample_rate_hz;
            if (header.type == ChunkType::kMeta) {
                received.meta.assign(decoded.chunk->body.begin(), decoded.chunk->body.end());
                continue;
            }
            ++received.chunks;
            received.flags |= header.flags;
            CHECK((header.flags & chunk_flag::kHasMeta) != 0);
            for (std::uint32_t at = 0; at < header.sample_count; ++at) {
                const auto low = decoded.chunk->body[2 * at];
                const auto high = decoded.chunk->body[2 * at + 1];
                received.samples[header.first_sample + at] = static_cast<std::int16_t>(low | high << 8);
            }
            if ((header.flags & chunk_flag::kLast) != 0)
                received.length = header.first_sample + header.sample_count;
        }
        return all;
    }

    std::uint64_t newest() const {
        const auto messages = mqtt.of("/up/pcm");
        REQUIRE_FALSE(messages.empty());
        return decode_chunk(messages.back().payload).chunk->header.recording_id;
    }

    State state() const { return device.state(); }
    bool shows(std::string_view words) const { return device.screen().contains(words); }
    bool has_title(std::string_view words) const { return device.screen().rows()[0].text == words; }

    // Starts and connects the device, with a worker that is ready.
    void make_ready() {
        device.begin();
        connect();
        worker("ready");
        run(500);
        REQUIRE(state() == State::kReady);
    }

    FakeMqtt mqtt;
    FakeNetwork network;
    FakeStorage storage;
    FakeClock clock;
    FakeRandom random;
    FakeAudio audio;
    FakeOta ota;
    FakeSystem system;
    FakeBattery battery;
    FlashModel flash;
    bool has_microphone = true;
    bool acknowledges = true;
    bool grants = true;  // the broker answers subscriptions
    bool silent = false;
    double amplitude = 8'000;
    MicrophoneState microphone = MicrophoneState::kOk;

  private:
    std::vector<std::int16_t> samples_;
    std::vector<std::uint16_t> links_;
    std::vector<std::int16_t> pre_roll_;
    std::vector<std::int16_t> message_;
    std::uint32_t spoken_ = 0;

  public:
    Device device;
};

}  // namespace stetho::test
