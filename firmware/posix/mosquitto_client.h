// MQTT client with libmosquitto: one thread per connection, which posts events.
//
// It tries a connection once; core decides when to try again. Every attempt is a client of its own, so that
// nothing of an old connection is sent on a new one.
#pragma once

#include <mosquitto.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>

#include "core/device/broker_finder.h"
#include "hal/mqtt.h"
#include "posix/event_queue.h"
#include "posix/host_random.h"
#include "posix/multicast_socket.h"
#include "posix/temporary_file.h"

namespace stetho::posix {

class MosquittoClient final : public hal::Mqtt {
  public:
    // `ask`: whom it asks for the broker, "address:port"; empty: everybody.
    MosquittoClient(EventQueue& events, const std::string& ask);
    ~MosquittoClient() override;
    MosquittoClient(const MosquittoClient&) = delete;
    MosquittoClient& operator=(const MosquittoClient&) = delete;

    bool connect(const hal::MqttOptions& options) override;
    void disconnect() override;
    void settle() override {}
    bool subscribe(std::string_view topic) override;
    int publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                bool retain) override;

    // Takes the network away or brings it back: a connection ends without a message, as when a device is
    // carried out of range.
    void plug(bool is_plugged);

  private:
    bool prepare(const hal::MqttOptions& options);
    bool write_ca_file(std::string_view ca_pem);
    void run(std::string host, int port, int keepalive_s, bool tls);
    bool find(std::string& host, int& port, bool tls);
    bool expect_name(std::string_view name);
    void close(bool sends_disconnect);

    static void on_connect(mosquitto* client, void* self, int code);
    static void on_subscribe(mosquitto* client, void* self, int id, int count, const int* granted);
    static void on_publish(mosquitto* client, void* self, int id);
    static void on_message(mosquitto* client, void* self, const mosquitto_message* message);
    static void on_log(mosquitto* client, void* self, int level, const char* text);

    EventQueue& events_;
    MulticastSocket multicast_;
    HostRandom random_{0};  // of the thread of the connection
    BrokerFinder finder_{multicast_, random_};
    mosquitto* client_ = nullptr;
    std::optional<TemporaryFile> ca_file_;
    std::thread thread_;
    std::atomic<bool> is_silent_{false};  // no event is posted when it ends
    std::atomic<bool> is_wanted_{false};  // the thread goes on
    std::atomic<bool> is_over_{true};
    std::atomic<bool> is_connected_{false};
    std::atomic<bool> is_plugged_{true};
    std::atomic<int> waiting_{0};  // messages that the client has not sent yet
    std::atomic<hal::ConnectionLoss> loss_{hal::ConnectionLoss::kUnreachable};
};

}  // namespace stetho::posix
