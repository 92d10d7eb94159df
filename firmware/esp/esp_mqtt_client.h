// MQTT client with esp-mqtt: its outbox holds messages that wait, its task uses the socket.
//
// esp-mqtt never reconnects by itself: core decides when. Each connection is a new client, so that its outbox
// holds nothing old; core sends again what was not acknowledged. `publish` only copies into the outbox; the
// client's task holds the lock that it takes while that task writes, at most kWriteWithinMs on a network that
// stalls.
#pragma once

#include <array>
#include <atomic>

#include "core/wire/fixed_string.h"
#include "esp/event_queue.h"
#include "esp_event.h"
#include "hal/mqtt.h"
#include "hal/storage.h"
#include "mqtt_client.h"

namespace stetho::esp {

class EspMqttClient final : public hal::Mqtt {
  public:
    // `outbox_bytes`: size of the outbox; several chunks.
    EspMqttClient(EventQueue& events, std::uint32_t outbox_bytes)
        : events_(events), outbox_bytes_(outbox_bytes) {}

    bool connect(const hal::MqttOptions& options) override;
    void disconnect() override;
    bool subscribe(std::string_view topic, std::uint8_t qos) override;
    int publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                bool retain) override;

  private:
    using Topic = FixedString<hal::kMaxTopicBytes>;

    void copy_options(const hal::MqttOptions& options);
    static void on_event(void* self, esp_event_base_t base, std::int32_t id, void* data);
    void handle_event(const esp_mqtt_event_t& event);
    void append_payload(const esp_mqtt_event_t& event);
    void end(hal::ConnectionLoss loss);

    EventQueue& events_;
    std::uint32_t outbox_bytes_;
    esp_mqtt_client_handle_t client_ = nullptr;
    std::atomic<bool> is_connected_{false};
    std::atomic<bool> is_wanted_{false};  // a `disconnected` event must still be posted

    // Strings that the client refers to as long as it lives.
    FixedString<128> host_;
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
