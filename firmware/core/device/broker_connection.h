// Connection to the broker: network, MQTT connection, subscriptions, and the state and info that the device
// publishes about itself.
//
// It reconnects without end, with back-off, in the background of whatever the device does. One task calls it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/device/backoff.h"
#include "core/storage/settings.h"
#include "core/wire/message_writer.h"
#include "core/wire/topic.h"
#include "hal/mqtt.h"
#include "hal/network.h"
#include "hal/random.h"

namespace stetho {

class BrokerConnection {
  public:
    static constexpr std::uint32_t kFirstWaitMs = 500;
    static constexpr std::uint32_t kLongestWaitMs = 30'000;
    static constexpr std::uint32_t kAttemptMs =
        20'000;  // an attempt without an answer for this long has failed

    BrokerConnection(hal::Mqtt& mqtt, hal::Network& network, hal::Random& random)
        : mqtt_(mqtt), network_(network), random_(random), backoff_(kFirstWaitMs, kLongestWaitMs) {}

    // Joins the network and connects as soon, and as often, as it can. `settings` must outlive the
    // connection. False: the network cannot be started.
    bool begin(const Settings& settings, std::uint32_t boot, const Info& info);

    // Disconnects without publishing anything and leaves the network.
    void stop();

    // Publishes the state "offline", then disconnects in order.
    void shut_down();

    // Handle events of the MQTT client. `connected` returns whether the device is online now, `disconnected`
    // whether it was until now.
    bool connected(std::uint64_t now_ms);
    bool disconnected(hal::ConnectionLoss loss, std::uint64_t now_ms);

    // Connects when it is time, and publishes what is due. Returns false if a connection was lost because the
    // network is down.
    bool tick(std::uint64_t now_ms);

    // Closes this connection, in which the broker accepts nothing, and makes a new one.
    void drop(std::uint64_t now_ms);

    // Sets the state that is published on `up/state`.
    void set_state(DeviceState state);

    // Publishes JSON that the caller has written. False: not connected, or the client is full.
    bool publish(Topic topic, Bytes payload, std::uint8_t qos);

    bool is_online() const { return is_online_; }
    bool is_network_up() const { return network_.is_up(); }
    hal::ConnectionLoss loss() const { return loss_; }
    std::uint64_t online_since_ms() const { return online_since_ms_; }

  private:
    void connect(std::uint64_t now_ms);
    void wait(std::uint64_t now_ms);
    bool subscribe();
    void publish_due();

    hal::Mqtt& mqtt_;
    hal::Network& network_;
    hal::Random& random_;
    Backoff backoff_;
    const Settings* settings_ = nullptr;  // null: stopped
    std::uint32_t boot_ = 0;
    Info info_;
    DeviceState state_ = DeviceState::kOnline;
    bool is_online_ = false;
    bool is_trying_ = false;
    bool is_state_due_ = false;
    bool is_info_due_ = false;
    hal::ConnectionLoss loss_ = hal::ConnectionLoss::kUnreachable;
    std::uint64_t try_at_ms_ = 0;  // or, during an attempt, when it has failed
    std::uint64_t online_since_ms_ = 0;
};

}  // namespace stetho
