// MQTT client with esp-mqtt. No call of the application's task waits for the network.
//
// A task of its own makes every call of esp-mqtt, one after the other: open, subscribe, publish, close; it looks for
// the broker, too, where no host is set. The
// application's task only puts jobs into its queue, so that neither a name server that does not answer nor a
// slow network keeps it from emptying the ring buffer. esp-mqtt never reconnects by itself: core decides when.
// Each connection is a new client, so that its outbox holds nothing old; core sends again what was not
// acknowledged.
#pragma once

#include "core/device/broker_finder.h"
#include "esp/event_queue.h"
#include "esp/mqtt_connection.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"
#include "hal/mqtt.h"

namespace stetho::esp {

class EspMqttClient final : public hal::Mqtt {
  public:
    // `outbox_bytes`: most bytes that wait for their PUBACK; several chunks.
    EspMqttClient(EventQueue& events, hal::Multicast& multicast, hal::Random& random, std::uint32_t outbox_bytes)
        : events_(events), finder_(multicast, random), outbox_bytes_(outbox_bytes) {}

    // Starts the task. False: no memory.
    bool begin();

    bool connect(const hal::MqttOptions& options) override;
    void disconnect() override;
    bool subscribe(std::string_view topic) override;
    int publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                bool retain) override;
    void settle() override;

  private:
    enum class JobKind : std::uint8_t { kOpen, kSubscribe, kPublish, kAcknowledge, kClose };
    struct Job {
        JobKind kind = JobKind::kOpen;
        std::uint8_t qos = 0;
        bool retain = false;
        int number = 0;  // token of a message; id of an acknowledged one
        std::uint32_t connection_number = 0;
        MqttConnection* connection = nullptr;  // of an acknowledged message: none, it may be deleted by now
        void* bytes = nullptr;                 // topic and a zero, then payload; freed by the task
        std::size_t topic_bytes = 0;
        std::size_t payload_bytes = 0;
    };

    static void run(void* self);
    static bool acknowledged(void* self, std::uint32_t connection_number, int id);
    void do_job(const Job& job);
    bool give(const Job& job);
    bool give_copy(Job job, std::string_view topic, std::span<const std::uint8_t> payload);

    EventQueue& events_;
    BrokerFinder finder_;  // `next` is for this client's task
    std::size_t outbox_bytes_;
    QueueHandle_t jobs_ = nullptr;
    std::atomic<int> undone_{0};            // jobs that wait or are being done
    MqttConnection* connection_ = nullptr;  // of the application's task; the queue owns it once it is closed
    MqttConnection* open_ = nullptr;        // of this client's task: the one that is not closed
    std::uint32_t connection_number_ = 0;
    int token_ = 0;
};

}  // namespace stetho::esp
