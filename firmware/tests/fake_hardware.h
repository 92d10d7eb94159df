// Fakes of the hardware interfaces (hal/), under the control of a test.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hal/audio.h"
#include "hal/battery.h"
#include "hal/clock.h"
#include "hal/mqtt.h"
#include "hal/network.h"
#include "hal/ota.h"
#include "hal/random.h"
#include "hal/system.h"

namespace stetho::test {

struct Message {
    std::string topic;
    std::vector<std::uint8_t> payload;
    std::uint8_t qos = 0;
    bool retain = false;

    std::string text() const { return {payload.begin(), payload.end()}; }
};

class FakeMqtt final : public hal::Mqtt {
  public:
    bool connect(const hal::MqttOptions& options) override {
        ++connects;
        is_attempting = can_begin;
        host = options.host;
        port = options.port;
        username = options.username;
        will = options.will_payload;
        will_topic = options.will_topic;
        return can_begin;
    }
    void disconnect() override {
        ++disconnects;
        is_connected = is_attempting = false;
        unanswered = 0;
    }
    void settle() override {}
    bool subscribe(std::string_view topic) override {
        topics.emplace_back(topic);
        if (can_subscribe) ++unanswered;
        return can_subscribe;
    }
    int publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                bool retain) override {
        if (!is_connected || (qos > 0 && unacknowledged.size() >= room)) return hal::kMqttFull;
        sent.push_back({std::string(topic), {payload.begin(), payload.end()}, qos, retain});
        if (qos == 0) return hal::kMqttUntracked;
        unacknowledged.push_back(++token);
        return token;
    }

    std::vector<Message> of(std::string_view end) const {
        std::vector<Message> found;
        for (const Message& message : sent) {
            if (message.topic.ends_with(end)) found.push_back(message);
        }
        return found;
    }

    bool is_connected = false;
    bool is_attempting = false;
    bool can_begin = true;
    bool can_subscribe = true;
    std::size_t room = 100;
    int connects = 0;
    int disconnects = 0;
    int token = 0;
    std::vector<Message> sent;
    std::vector<int> unacknowledged;
    int unanswered = 0;  // subscriptions
    std::vector<std::string> topics;
    std::string host, username, will, will_topic;
    std::uint16_t port = 0;
};

struct FakeNetwork final : hal::Network {
    bool join(std::string_view ssid, std::string_view) override {
        joined = ssid;
        ++joins;
        return can_begin;
    }
    bool open_access_point(const hal::AccessPoint& wanted) override {
        access_point = wanted.ssid;
        passwords.emplace_back(wanted.password);
        return can_begin;
    }
    bool has_access_point() const override { return is_wireless; }
    bool start_radio() override { return has_radio = can_begin; }
    void listen() override { ++listens; }
    std::optional<hal::HeardNetworks> heard() const override { return listens > 0 ? hears : std::nullopt; }
    void stop() override {
        access_point.clear();
        has_radio = false;
    }
    bool is_up() const override { return up; }
    std::optional<std::int8_t> rssi_dbm() const override { return -61; }

    bool is_wireless = true;
    bool has_radio = false;
    bool up = true;
    bool can_begin = true;
    int joins = 0;
    int listens = 0;
    std::optional<hal::HeardNetworks> hears = hal::HeardNetworks{3, -48};
    std::string joined, access_point;
    std::vector<std::string> passwords;
};

struct FakeClock final : hal::Clock {
    std::uint64_t now_ms() override { return now; }
    std::optional<std::int64_t> utc_ms() override { return utc; }
    void start_at(std::int64_t utc_ms) override { started_at = utc_ms; }

    std::uint64_t now = 1'000;
    std::int64_t started_at = 0;
    std::optional<std::int64_t> utc = 1'795'627'201'123;  // 2026-11-25T17:20:01.123Z at the start
};

struct FakeRandom final : hal::Random {
    std::uint32_t next() override {
        if (on_next) on_next();
        return state = state * 1'664'525U + 1'013'904'223U;
    }
    std::uint32_t state = 1;
    std::function<void()> on_next;
};

struct FakeAudio final : hal::AudioSource {
    bool start(std::uint32_t rate) override {
        hz = rate;
        return can_start;
    }
    void stop() override { hz = 0; }
    std::uint32_t rate_hz() const override { return hz; }
    std::size_t read(std::span<std::int32_t>) override { return 0; }
    std::uint32_t take_lost() override { return 0; }

    std::uint32_t hz = 0;
    bool can_start = true;
};

struct FakeBattery final : hal::Battery {
    std::optional<hal::BatteryReading> read() override { return reading; }

    std::optional<hal::BatteryReading> reading;
};

struct FakeOta final : hal::Ota {
    bool start(std::string_view address, std::string_view) override {
        url = address;
        return can_start;
    }
    bool is_on_trial() override { return trial; }
    void confirm() override { trial = false; }
    void roll_back() override { ++rolled_back; }

    std::string url;
    bool can_start = true;
    bool trial = false;
    int rolled_back = 0;
};

struct FakeSystem final : hal::System {
    std::uint32_t free_heap_bytes() override { return 123'456; }
    std::size_t stacks_left(std::span<hal::StackLeft> out) override {
        const std::size_t count = std::min(out.size(), stacks.size());
        std::copy_n(stacks.begin(), count, out.begin());
        return count;
    }
    std::size_t last_error(std::span<char> out) override {
        return error.copy(out.data(), out.size());
    }
    std::string_view reset_reason() override { return reason; }
    std::string_view last_crash() override { return crash; }
    std::string_view board_id() override { return "24:6f:28:aa:bb:cc"; }
    bool sleep(bool may) override { return is_asleep = may && can_sleep; }
    void restart() override {
        ++restarts;
        reason = "software";
    }

    std::string reason = "power-on";
    std::string crash;
    int restarts = 0;
    bool can_sleep = false;
    bool is_asleep = false;
    std::vector<hal::StackLeft> stacks;
    std::string error;
};

}  // namespace stetho::test
