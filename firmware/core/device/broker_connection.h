// Connection to the broker: network, MQTT connection, subscriptions, and the state and info that the device
// publishes about itself.
//
// It reconnects without end, with back-off, in the background of whatever the device does. It is online when
// the broker has granted all subscriptions: a device that is not told what arrived would send everything
// again. One task calls it.
//
// Subscriptions are at QoS 0: the session is a clean one, so a broker would keep nothing for later anyway,
// and a cluster of NATS keeps each one at QoS 1 on several nodes for as long as the device is connected. What
// the device waits for it asks for again (`ask_again`, and the reminders of SendWindow).
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
    // An attempt without an answer, to CONNECT or to SUBSCRIBE, for this long has failed.
    static constexpr std::uint32_t kAttemptMs = 20'000;
    static constexpr std::uint32_t kAskAfterMs = 20'000;
    static constexpr std::uint32_t kAskAtMostMs = 300'000;

    BrokerConnection(hal::Mqtt& mqtt, hal::Network& network, hal::Random& random)
        : mqtt_(mqtt), network_(network), random_(random), backoff_(kFirstWaitMs, kLongestWaitMs) {}

    // Joins the network and connects as soon, and as often, as it can. `settings` must outlive the
    // connection. False: the network cannot be started.
    bool begin(const Settings& settings, std::uint32_t boot, const Info& info);

    // Disconnects without publishing anything and leaves the network.
    void stop();

    // Publishes the state "offline", then disconnects in order.
    void shut_down();

    // Handle events of the MQTT client: it is connected, or is not any more; the broker has answered a
    // subscription.
    void connected(std::uint64_t now_ms);
    void subscribed(bool is_granted, std::uint64_t now_ms);
    void disconnected(hal::ConnectionLoss loss, std::uint64_t now_ms) { end(loss, now_ms); }

    // Connects when it is time, and publishes what is due. Returns false if a connection was lost because the
    // network is down.
    bool tick(std::uint64_t now_ms);

    // Closes this connection, in which the broker accepts nothing, and makes a new one.
    void drop(hal::ConnectionLoss loss, std::uint64_t now_ms);

    // Call it at each turn. While `is_waiting` for a worker or a result, asks for both again after
    // kAskAfterMs, then after twice as long, and so on: both are retained, and may have been lost.
    void ask_again(bool is_waiting, std::uint64_t now_ms);

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
    void end(hal::ConnectionLoss loss, std::uint64_t now_ms);
    void forget();
    bool subscribe(Topic topic);
    bool subscribe_to_all();
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
    std::size_t ungranted_ = 0;    // subscriptions of this connection that the broker has not granted yet
    std::uint64_t try_at_ms_ = 0;  // or, during an attempt, when it has failed
    std::uint64_t ask_at_ms_ = 0;
    std::uint32_t ask_after_ms_ = kAskAfterMs;
    std::uint64_t online_since_ms_ = 0;
};

}  // namespace stetho
