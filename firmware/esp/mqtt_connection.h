// One connection to the broker: a client of esp-mqtt, with everything that it refers to.
//
// Calls of esp-mqtt wait for a lock that its task holds while it looks up a name, shakes hands or writes to a
// slow network: seconds. So all of them are here, and only the task of EspMqttClient makes them. The
// application's task sees the connection through `give_up` and the counters.
#pragma once

#include <array>
#include <atomic>

#include "core/device/broker_finder.h"
#include "core/wire/fixed_string.h"
#include "esp/event_queue.h"
#include "esp_event.h"
#include "hal/mqtt.h"
#include "hal/storage.h"
#include "mqtt_client.h"

namespace stetho::esp {

class MqttConnection {
  public:
    // Most messages at QoS 1 between `publish` and PUBACK.
    static constexpr std::size_t kMostMessages = 32;
    using Topic = FixedString<hal::kMaxTopicBytes>;
    // Whom the client's task tells that the broker has acknowledged message `id`. False: it could not.
    struct Owner {
        bool (*acknowledged)(void* self, std::uint32_t connection_number, int id);
        void* self;
        std::uint32_t connection_number;
    };

    MqttConnection(const hal::MqttOptions& options, EventQueue& events, BrokerFinder& finder, const Owner& owner);
    MqttConnection(const MqttConnection&) = delete;
    MqttConnection& operator=(const MqttConnection&) = delete;

    // For the task of EspMqttClient; each may take seconds.

    // Starts to connect. Posts `disconnected` if it cannot even start.
    void open();
    // Ends the connection: what was published first, then DISCONNECT, then the client. It is not used again.
    void close();
    void subscribe(const Topic& topic);
    void publish(const char* topic, std::span<const std::uint8_t> payload, std::uint8_t qos, bool retain,
                 int token);
    // Posts the PUBACK of message `id` with the token that it was published with.
    void acknowledge(int id);

    // For the application's task; none of them waits.

    // From now on it posts nothing.
    void give_up() { is_wanted_ = is_connected_ = false; }
    // Posts `disconnected`, unless that was done or nobody wants to know.
    void end(hal::ConnectionLoss loss);
    bool is_connected() const { return is_connected_; }
    std::uint32_t number() const { return owner_.connection_number; }
    // Bytes and messages at QoS 1 that are not acknowledged.
    std::atomic<std::size_t> held_bytes{0};
    std::atomic<std::size_t> held_messages{0};

  private:
    struct Pending {
        int id = 0;  // of esp-mqtt; 0: free
        int token = 0;
        std::size_t bytes = 0;
    };

    static void on_event(void* self, esp_event_base_t base, std::int32_t id, void* data);
    void handle_event(const esp_mqtt_event_t& event);
    void append_payload(const esp_mqtt_event_t& event);
    bool find();
    bool start();
    void send_the_rest();

    EventQueue& events_;
    BrokerFinder& finder_;
    Owner owner_;
    esp_mqtt_client_handle_t client_ = nullptr;
    std::atomic<bool> is_begun_{false};  // the client's task runs: from now on it can be stopped
    std::atomic<bool> is_connected_{false};
    std::atomic<bool> has_ended_{false};  // it was connected, or tried to be
    std::atomic<bool> is_wanted_{true};  // events are posted; a `disconnected` must still come
    std::array<Pending, kMostMessages> pending_{};

    // Strings that the client refers to as long as it lives.
    FixedString<128> host_;
    FixedString<64> certified_name_;  // of a host that was found: its address is in no certificate
    std::uint16_t port_;
    bool has_tls_;
    std::uint16_t keepalive_s_;
    FixedString<32> username_;
    FixedString<128> password_;
    FixedString<hal::kMaxValueBytes> ca_pem_;
    Topic will_topic_;
    FixedString<128> will_payload_;

    // Message that arrives in pieces; only the client's task uses it.
    hal::ConnectionLoss loss_ = hal::ConnectionLoss::kUnreachable;
    Topic topic_;
    bool is_retained_ = false;
    std::array<std::uint8_t, hal::kMaxMessageBytes> message_{};
};

}  // namespace stetho::esp
