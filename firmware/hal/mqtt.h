// An MQTT 3.1.1 client: QoS 0 and 1, TLS, a will. Nothing here blocks; what happens arrives as events of the
// device.
//
// Thread rules: every call comes from the application task. Events (connected, disconnected with a reason,
// puback, message) are posted from whatever thread the client has, never handled there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace stetho::hal {

// What `publish` returns when the client holds as much as it may: try again after the next puback.
inline constexpr int kMqttFull = -1;
// What `publish` returns for QoS 0, for which no puback ever comes.
inline constexpr int kMqttUntracked = 0;

// The longest topic and payload of an incoming message; the rest is dropped by the adapter. 32 ranges of
// `missing` with ten digits an end take 800 bytes.
inline constexpr std::size_t kMaxTopicBytes = 96;
inline constexpr std::size_t kMaxMessageBytes = 1024;

// Why there is no connection (any more).
enum class ConnectionLoss : std::uint8_t {
    kUnreachable,  // nobody answers there, or the connection was cut
    kRefused,      // the broker does not take this user name and password
    kUntrusted,    // TLS: the certificate is not of our CA, or not for this host
};

// What a connection needs. The texts are copied by `connect`.
struct MqttOptions {
    std::string_view host;
    std::uint16_t port = 8883;
    bool tls = true;
    std::string_view username;  // also the client id
    std::string_view password;
    std::string_view ca_pem;      // whom to trust when `tls`; empty: nobody, so that no connection is made
    std::string_view will_topic;  // retained, QoS 1
    std::string_view will_payload;
    std::uint16_t keepalive_s = 15;
};

class Mqtt {
  public:
    virtual ~Mqtt() = default;

    // Tries to connect once; `connected` or `disconnected` follows. Core decides when to try again.
    // False: it cannot even begin (no memory, no name); no event follows.
    virtual bool connect(const MqttOptions& options) = 0;

    // Ends the connection in order (no will is sent); no event follows.
    virtual void disconnect() = 0;

    // Asks for a topic at `qos`. False: not connected or full.
    virtual bool subscribe(std::string_view topic, std::uint8_t qos) = 0;

    // Queues a message and returns a token > 0 that its puback will carry; kMqttUntracked at QoS 0;
    // kMqttFull when the client is full or not connected. The bytes are copied.
    // What a client still holds when the connection is lost is not sent after the next `connected`: core
    // sends again.
    virtual int publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                        bool retain) = 0;
};

}  // namespace stetho::hal
