#include <doctest/doctest.h>

#include <string>

#include "tests/device_fixture.h"

using namespace stetho;
using namespace stetho::test;

TEST_CASE("garbage on every topic changes nothing") {
    DeviceFixture fixture;
    fixture.make_ready();
    fixture.press_button();
    fixture.run(300);
    RandomGenerator random(9);
    const auto id = std::string(recording_name(fixture.newest()).view());
    const std::vector<std::string> seeds{
        R"({"type":"stored","recording_id":")" + id + R"(","completeness":"complete"})",
        R"({"type":"missing","recording_id":")" + id + R"(","ranges":[[0,100]],"meta":true})",
        R"({"v":1,"recording_id":")" + id + R"(","status":"ok","bpm":72,"accepted":true})",
        R"({"id":"1","command":"record","args":{"seconds":2}})"};
    for (int round = 0; round < 3'000; ++round) {
        std::string payload = seeds[random() % seeds.size()];
        payload = payload.substr(0, random() % payload.size());  // cut off
        for (unsigned change = random() % 3; change > 0 && !payload.empty(); --change) {
            payload[random() % payload.size()] = static_cast<char>(random());
        }
        for (const char* leaf : {"control", "result", "live", "command"}) fixture.down(leaf, payload);
        fixture.message("stetho/v1/worker/" + std::to_string(round % 5), payload);
        fixture.message("stetho/v1/device/st-02/down/control", payload);
        fixture.message(payload, payload);
    }
    fixture.down("control", std::string(5'000, '['));
    fixture.down("result", "");
    fixture.run(1'200);
    CHECK(fixture.state() == State::kWaitResult);
    CHECK(fixture.received().begin()->second.is_complete());
}

TEST_CASE("whatever happens in whatever order, nothing crashes, and what was recorded arrives") {
    for (unsigned seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        RandomGenerator random(seed);
        DeviceFixture fixture(test_settings(), (20 + seed % 40) * 512);
        fixture.device.begin();
        for (int round = 0; round < 300; ++round) {
            switch (random() % 17) {
                case 0:
                    fixture.device.on(Event::button(random() % 2 == 0));
                    break;
                case 1:
                    fixture.press_button();
                    break;
                case 2:
                    fixture.disconnect();
                    break;
                case 3:
                case 4:
                case 5:
                    if (fixture.network.up && !fixture.mqtt.is_connected &&
                        fixture.network.access_point.empty()) {
                        fixture.accept();
                        if (!fixture.device.is_online()) fixture.mqtt.is_connected = false;
                    }
                    break;
                case 6:
                    fixture.worker(random() % 2 == 0 ? "ready" : "offline");
                    break;
                case 7:
                    fixture.acknowledges = !fixture.acknowledges;
                    break;
                case 8:
                    fixture.feed_audio(random() % 100, random() % 50);
                    break;
                case 9:
                    if (!fixture.mqtt.of("/up/pcm").empty())
                        fixture.control("missing", fixture.newest(),
                                        ",\"ranges\":[[0,900],[1000,null]],\"meta\":true");
                    break;
                case 10:
                    fixture.down("command", R"({"command":"record"})");
                    break;
                case 11:
                    fixture.down("command", R"({"command":"stop"})");
                    break;
                case 12:
                    fixture.network.up = random() % 4 != 0;
                    break;
                case 13:
                    fixture.microphone = static_cast<MicrophoneState>(random() % 4);
                    break;
                case 15:
                    fixture.grants = random() % 4 != 0;
                    if (random() % 8 == 0) fixture.answer_subscriptions(false);
                    break;
                case 14:
                    fixture.device.on(Event::puback(static_cast<int>(random() % 1'000)));
                    break;
                default:
                    break;
            }
            fixture.run(random() % 400);
        }
        fixture.network.up = fixture.grants = fixture.acknowledges = fixture.has_microphone = true;
        fixture.device.on(Event::button(false));
        for (int round = 0; round < 100 && fixture.device.window().unsent() > 0; ++round) {
            fixture.run(5'000);
            if (fixture.state() == State::kProvision) fixture.run(600'000);
            if (!fixture.device.is_online()) {
                fixture.accept();
                if (!fixture.device.is_online()) fixture.mqtt.is_connected = false;
            }
        }
        CHECK(fixture.device.window().unsent() == 0);
        for (const auto& [id, received] : fixture.received()) {
            REQUIRE(received.length);
            CHECK(!received.meta.empty());
        }
    }
}
