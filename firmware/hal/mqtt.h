// Interface to an MQTT 3.1.1 client: QoS 0 and 1, TLS, a will. Nothing here waits for the network, apart from
// `settle`; connects, disconnects and messages arrive as events of the device.
//
// Thread rules: every call comes from the application task. Events (connected, disconnected with a reason,
// SUBACK, PUBACK, message) are posted from whatever thread the client has, never handled there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace stetho::hal {

// Result of `publish` when the client holds as much as it may: try again after the next PUBACK.
inline constexpr int kMqttFull = -1;
// Result of `publish` at QoS 0, for which no PUBACK comes.
inline constexpr int kMqttUntracked = 0;

// Longest topic and payload of an incoming message; the adapter drops longer ones. 32 ranges of `missing`
// with ten digits an end take 800 bytes.
inline constexpr std::size_t kMaxTopicBytes = 96;
inline constexpr std::size_t kMaxMessageBytes = 1024;

// Reason why there is no connection.
enum class ConnectionLoss : std::uint8_t {
    kUnreachable,  // no answer, or the connection was cut
    kRefused,      // the broker refuses this user name and password
    kUntrusted,    // TLS: the certificate is not of our CA, or not for this host
    kOutOfDate,    // TLS: by our clock the certificate is not valid yet, or no longer
    kNotFound,     // the host is kAutoHost, and no broker announces itself
    kDeaf,         // the broker refuses a subscription, or does not answer it
};

// Host of a broker that is looked for in the local network, by mDNS. With TLS its certificate must have the name that
// was announced.
inline constexpr std::string_view kAutoHost = "auto";

// Options of a connection. `connect` copies the strings.
struct MqttOptions {
    std::string_view host;
    std::uint16_t port = 8883;
    bool tls = true;
    std::string_view username;  // also the client id
    std::string_view password;
    std::string_view ca_pem;  // certificates to trust with `tls`; empty: none, so that no connection is made
    std::string_view will_topic;  // retained, QoS 1
    std::string_view will_payload;
    std::uint16_t keepalive_s = 15;
};

class Mqtt {
  public:
    virtual ~Mqtt() = default;

    // Tries to connect once; `connected` or `disconnected` follows. Core decides when to try again. False: it
    // cannot even start (no memory, no name); no event follows.
    virtual bool connect(const MqttOptions& options) = 0;

    // Disconnects in order (the broker publishes no will), after what was published before; no event follows.
    virtual void disconnect() = 0;

    // Waits until a disconnect is done, some seconds at most. Only for the moment before a restart.
    virtual void settle() = 0;

    // Subscribes to a topic at QoS 0; `subscribed` follows, with what the broker says of it. A topic that is
    // subscribed to already: its retained message comes again. False: not connected, or full.
    virtual bool subscribe(std::string_view topic) = 0;

    // Queues a message. Returns a token > 0 that its PUBACK will carry; kMqttUntracked at QoS 0; kMqttFull if
    // the client is full or not connected. The bytes are copied. Messages that a client still holds when the
    // connection is lost are not sent after the next `connected`: core sends them again.
    virtual int publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                        bool retain) = 0;
};

}  // namespace stetho::hal
