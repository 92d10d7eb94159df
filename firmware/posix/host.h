// Adapters to a Linux machine: clock, network, random numbers, restart. There is no radio.
#pragma once

#include <chrono>

#include "hal/battery.h"
#include "hal/clock.h"
#include "hal/network.h"
#include "hal/system.h"
#include "posix/event_queue.h"
#include "posix/host_random.h"
#include "posix/mosquitto_client.h"
#include "posix/portal.h"
#include "posix/reset.h"

namespace stetho::posix {

class HostClock final : public hal::Clock {
  public:
    // The time of day is unknown for the first `known_after_s`. The monotonic clock runs `pace` times too
    // fast, so that tests need not wait.
    HostClock(double known_after_s, double pace)
        : known_after_ms_(static_cast<std::uint64_t>(known_after_s * 1000)), pace_(pace) {}

    std::uint64_t now_ms() override;
    // Returns the time since the start at no pace but that of others: of the broker, a worker, a person.
    std::uint64_t real_ms() const;
    std::optional<std::int64_t> utc_ms() override;
    void start_at(std::int64_t) override {}  // TLS goes by the clock of the machine
    bool is_known() { return now_ms() >= known_after_ms_; }

    // Lets time pass at once.
    void skip(double seconds) { skipped_ms_ += static_cast<std::uint64_t>(seconds * 1000); }

  private:
    std::uint64_t known_after_ms_;
    double pace_;
    std::uint64_t skipped_ms_ = 0;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

// Network cable that can be unplugged.
class HostNetwork final : public hal::Network {
  public:
    HostNetwork(EventQueue& events, MosquittoClient& client, int portal_port)
        : events_(events), client_(client), portal_(events, portal_port) {}

    bool join(std::string_view ssid, std::string_view password) override;
    bool start_radio() override { return true; }
    bool open_access_point(const hal::AccessPoint& access_point) override { return portal_.start(access_point); }
    std::optional<hal::HeardNetworks> heard() const override;
    void stop() override;
    bool is_up() const override { return is_joined_ && is_plugged_; }
    std::optional<std::int8_t> rssi_dbm() const override { return std::nullopt; }

    void plug(bool is_plugged);

  private:
    EventQueue& events_;
    MosquittoClient& client_;
    Portal portal_;
    bool is_joined_ = false;
    bool is_plugged_ = true;
};

// Battery of the voltage that is typed; none at first.
class HostBattery final : public hal::Battery {
  public:
    std::optional<hal::BatteryReading> read() override { return reading_; }
    void set(const std::optional<hal::BatteryReading>& reading) { reading_ = reading; }

  private:
    std::optional<hal::BatteryReading> reading_;
};

class HostSystem final : public hal::System {
  public:
    std::uint32_t free_heap_bytes() override;
    std::size_t stacks_left(std::span<hal::StackLeft>) override { return 0; }
    std::size_t last_error(std::span<char>) override { return 0; }
    std::string_view reset_reason() override { return posix::reset_reason(); }
    std::string_view board_id() override { return "a Linux machine"; }
    void restart() override { reset("software"); }
};

}  // namespace stetho::posix
