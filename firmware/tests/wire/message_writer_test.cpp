// Tests of the JSON writer, the messages of the device, time of day and topic names.
#include "core/wire/message_writer.h"

#include <doctest/doctest.h>

#include <array>

#include "core/wire/json_writer.h"
#include "core/wire/rfc3339.h"
#include "core/wire/topic.h"
#include "tests/test_vector.h"

using namespace stetho;

namespace {

using Buffer = std::array<std::uint8_t, kMaxMessageBytes>;

std::string_view written(const Buffer& buffer, std::size_t size) {
    return test::text_of(std::span(buffer).first(size));
}

}  // namespace

TEST_CASE("states are written as the protocol shows them") {
    Buffer out;
    CHECK(written(out, write_state(DeviceState::kOnline, 0x9f3a12cd, out)) ==
          R"({"state":"online","boot":"9f3a12cd"})");
    CHECK(written(out, write_state(DeviceState::kRecording, 1, out)) ==
          R"({"state":"recording","boot":"00000001"})");
    CHECK(written(out, write_state(DeviceState::kOffline, 1, out)) ==
          R"({"state":"offline","boot":"00000001"})");
    CHECK(written(out, write_state(DeviceState::kLost, 1, out)) == R"({"state":"lost","boot":"00000001"})");
}

TEST_CASE("META says what is known and nothing else") {
    Buffer out;
    CHECK(written(out, write_meta({}, out)) == R"({"captured_at":null})");
    const Meta meta{.captured_unix_ms = 1'795'800'001'123,
                    .models = "heart5,,heart2,",
                    .site = "MV",
                    .amplification = 4,
                    .boot = 0xAB,
                    .uptime_ms = 5'000'000'000,
                    .battery_percent = 0,
                    .is_cut_off = true};
    CHECK(
        written(out, write_meta(meta, out)) ==
        R"({"captured_at":"2026-11-27T17:20:01.123Z","models":["heart5","heart2"],"site":"MV","amplification":4,)"
        R"("boot":"000000ab","uptime_ms":5000000000,"battery_percent":0,"cut_off":true})");
}

TEST_CASE("info and telemetry are whole JSON") {
    Buffer out;
    CHECK(written(out, write_info({"stetho 1", "esp32s3", 44'100, 4'194'304, 1'900'544}, out)) ==
          R"({"firmware":"stetho 1","hardware":"esp32s3","formats":["s16le"],"sample_rate":44100,)"
          R"("buffer_bytes":4194304,"flash_bytes":1900544})");
    const Info crashed{.firmware = "stetho 1",
                       .hardware = "esp32s3",
                       .sample_rate_hz = 4'000,
                       .buffer_bytes = 36'864,
                       .crash = "capture at 0x42012345",
                       .lacks_psram = true};
    CHECK(written(out, write_info(crashed, out)) ==
          R"({"firmware":"stetho 1","hardware":"esp32s3","formats":["s16le"],"sample_rate":4000,)"
          R"("buffer_bytes":36864,"crash":"capture at 0x42012345","psram":"not found"})");
    const Telemetry telemetry{.rssi_dbm = std::int8_t{-61},
                              .free_heap_bytes = 120'000,
                              .uptime_ms = 61'000,
                              .samples_dropped = 3,
                              .recordings_kept = 2,
                              .recordings_in_flash = 1,
                              .reset_reason = "power",
                              .microphone = "ok"};
    CHECK(written(out, write_telemetry(telemetry, out)) ==
          R"({"rssi":-61,"free_heap":120000,"uptime_ms":61000,"samples_dropped":3,"recordings_kept":2,)"
          R"("recordings_in_flash":1,)"
          R"("reset_reason":"power","microphone":"ok"})");
    const std::array<hal::StackLeft, 2> stacks{{{"capture", 2'400}, {"sys_evt", 1'296}}};
    CHECK(written(out, write_telemetry({.stacks = stacks, .last_error = "wifi: \"ward\""}, out)) ==
          R"({"uptime_ms":0,"samples_dropped":0,"recordings_kept":0,"recordings_in_flash":0,)"
          R"("stack_left":{"capture":2400,"sys_evt":1296},"last_error":"wifi: \"ward\""})");
    CHECK(written(out, write_telemetry({}, out)) ==
          R"({"uptime_ms":0,"samples_dropped":0,"recordings_kept":0,"recordings_in_flash":0})");
}

TEST_CASE("a message that does not fit is not written by half") {
    Buffer out;
    Meta site;
    site.site = "MV";
    const std::size_t size = write_meta(site, out);
    for (std::size_t room = 0; room < size; ++room) {
        std::array<std::uint8_t, 64> small;
        small.fill(0xEE);
        CHECK(write_meta(site, std::span(small).first(room)) == 0);
        CHECK(small[room] == 0xEE);
    }
}

TEST_CASE("text is escaped, and what no reader would take is replaced") {
    Buffer out;
    JsonWriter json(out);
    json.begin_object().key("a\"b").string("c\\d\n\xC3\xA9").key("e").begin_array().boolean(true).null();
    json.integer(INT64_MIN).end_array().end_object();
    CHECK(written(out, json.size()) == R"({"a\"b":"c\\d???","e":[true,null,-9223372036854775808]})");
}

TEST_CASE("time of day, leap days and the ends of the scale") {
    CHECK(rfc3339(0).view() == "1970-01-01T00:00:00.000Z");
    CHECK(rfc3339(951'782'399'999).view() == "2000-02-28T23:59:59.999Z");
    CHECK(rfc3339(951'782'400'000).view() == "2000-02-29T00:00:00.000Z");
    CHECK(rfc3339(1'709'164'800'000).view() == "2024-02-29T00:00:00.000Z");
    CHECK(rfc3339(1'735'689'599'999).view() == "2024-12-31T23:59:59.999Z");
    CHECK(rfc3339(4'107'542'400'000).view() == "2100-03-01T00:00:00.000Z");
    CHECK(rfc3339(253'402'300'799'999).view() == "9999-12-31T23:59:59.999Z");
    CHECK(rfc3339(INT64_MAX).view() == "9999-12-31T23:59:59.999Z");
    CHECK(rfc3339(-1).view() == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("an answer says to which command, and why") {
    Buffer out;
    CHECK(written(out, write_answer("a", {}, out)) == R"({"id":"a","answer":"done"})");
    CHECK(written(out, write_answer("a", {"busy"}, out)) == R"({"id":"a","answer":"refused","reason":"busy"})");
    CHECK(written(out, write_answer("a", {"later", true}, out)) ==
          R"({"id":"a","answer":"done","reason":"later"})");
}

TEST_CASE("topics are named and told apart") {
    CHECK(topic_name(Topic::kPcm, "st-01").view() == "stetho/v1/device/st-01/up/pcm");
    CHECK(topic_name(Topic::kWorker, "st-01").view() == "stetho/v1/worker/+");
    CHECK(topic_name(Topic::kOther, "st-01").empty());
    for (int topic = 0; topic < static_cast<int>(Topic::kWorker); ++topic) {
        const auto name =
            topic_name(Topic{static_cast<std::uint8_t>(topic)}, "a2345678901234567890123456789012");
        CHECK_FALSE(name.is_cut());
        CHECK(topic_of(name, "a2345678901234567890123456789012") == Topic{static_cast<std::uint8_t>(topic)});
        CHECK(topic_of(name, "a") == Topic::kOther);
        CHECK(topic_of(name, "b") == Topic::kOther);
    }
    CHECK(topic_of("stetho/v1/worker/edge-1", "st-01") == Topic::kWorker);
    for (const char* other :
         {"", "stetho/v1/worker/", "stetho/v1/device/st-01", "stetho/v1/device/st-01/down/results",
          "stetho/v1/device/st-010/down/result", "stetho/v1/result/st-01"}) {
        CHECK(topic_of(other, "st-01") == Topic::kOther);
    }
}

TEST_CASE("device ids") {
    for (const char* good : {"a", "st-01", "0", "a2345678901234567890123456789012"})
        CHECK(is_device_id(good));
    for (const char* bad : {"", "ST", "a_b", "a/b", "a+", "a23456789012345678901234567890123"}) {
        CHECK_FALSE(is_device_id(bad));
    }
}
