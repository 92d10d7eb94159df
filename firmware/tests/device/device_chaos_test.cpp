#include <doctest/doctest.h>

#include <string>

#include "tests/rig.h"

using namespace stetho;
using namespace stetho::tests;

TEST_CASE("garbage on every topic changes nothing") {
    Rig rig;
    rig.make_ready();
    rig.push();
    rig.run(300);
    Dice random(9);
    const auto id = std::string(recording_name(rig.newest()).view());
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
        for (const char* leaf : {"control", "result", "live", "command"}) rig.down(leaf, payload);
        rig.message("stetho/v1/worker/" + std::to_string(round % 5), payload);
        rig.message("stetho/v1/device/st-02/down/control", payload);
        rig.message(payload, payload);
    }
    rig.down("control", std::string(5'000, '['));
    rig.down("result", "");
    rig.run(1'200);
    CHECK(rig.state() == State::kWaitResult);
    CHECK(rig.heard().begin()->second.is_complete());
}

TEST_CASE("whatever happens in whatever order, nothing crashes, and what was recorded arrives") {
    for (unsigned seed = 0; seed < 40; ++seed) {
        CAPTURE(seed);
        Dice random(seed);
        Rig rig(bench_settings(), (20 + seed % 40) * 512);
        rig.device.begin();
        for (int round = 0; round < 300; ++round) {
            switch (random() % 16) {
                case 0:
                    rig.device.on(Event::button(random() % 2 == 0));
                    break;
                case 1:
                    rig.push();
                    break;
                case 2:
                    rig.cut();
                    break;
                case 3:
                case 4:
                case 5:
                    if (rig.network.up && !rig.mqtt.is_connected && rig.network.access_point.empty()) {
                        rig.mqtt.is_connected = true;
                        rig.device.on(Event::of(EventKind::kMqttConnected));
                        if (!rig.device.is_online()) rig.mqtt.is_connected = false;
                    }
                    break;
                case 6:
                    rig.worker(random() % 2 == 0 ? "ready" : "offline");
                    break;
                case 7:
                    rig.acknowledges = !rig.acknowledges;
                    break;
                case 8:
                    rig.hear(random() % 100, random() % 50);
                    break;
                case 9:
                    if (!rig.mqtt.of("/up/pcm").empty())
                        rig.control("missing", rig.newest(),
                                    ",\"ranges\":[[0,900],[1000,null]],\"meta\":true");
                    break;
                case 10:
                    rig.down("command", R"({"command":"record"})");
                    break;
                case 11:
                    rig.down("command", R"({"command":"stop"})");
                    break;
                case 12:
                    rig.network.up = random() % 4 != 0;
                    break;
                case 13:
                    rig.microphone = static_cast<MicrophoneState>(random() % 4);
                    break;
                case 14:
                    rig.device.on(Event::puback(static_cast<int>(random() % 1'000)));
                    break;
                default:
                    break;
            }
            rig.run(random() % 400);
        }
        rig.network.up = rig.acknowledges = rig.has_microphone = true;
        rig.device.on(Event::button(false));
        for (int round = 0; round < 100 && rig.device.window().unsent() > 0; ++round) {
            rig.run(5'000);
            if (rig.state() == State::kProvision) rig.run(600'000);
            if (!rig.device.is_online()) {
                rig.mqtt.is_connected = true;
                rig.device.on(Event::of(EventKind::kMqttConnected));
                if (!rig.device.is_online()) rig.mqtt.is_connected = false;
            }
        }
        CHECK(rig.device.window().unsent() == 0);
        for (const auto& [id, heard] : rig.heard()) {
            REQUIRE(heard.length);
            CHECK(!heard.meta.empty());
        }
    }
}
