#include "esp/mqtt_connection.h"

#include <algorithm>

#include "esp/stack_watch.h"
#include "esp_event.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "hal/tasks.h"
#include "mbedtls/x509.h"

namespace stetho::esp {
namespace {

constexpr const char* kTag = "mqtt";
constexpr int kWithinMs = 10'000;  // TCP, the TLS handshake, a write: each at most so long
constexpr int kPollMs = 200;       // `stop` waits half of it for a client that is not connected
constexpr int kBufferBytes = 2048;
// TCP delivers, or the connection ends, and core sends again what was not acknowledged. esp-mqtt's own second
// copy, after 1 s unless it is told otherwise, only makes a slow network slower. Longer than its outbox keeps
// a message (CONFIG_MQTT_OUTBOX_EXPIRED_TIMEOUT_MS): it never sends one.
constexpr int kRetransmitMs = 600'000;
constexpr TickType_t kTurn = pdMS_TO_TICKS(20);
constexpr int kBeginTurns = 250;  // 5 s: the client's task runs at a higher priority than ours
constexpr int kFlushTurns = 50;   // 1 s

hal::ConnectionLoss loss_of(const esp_mqtt_error_codes_t* error) {
    if (error == nullptr) {
        return hal::ConnectionLoss::kUnreachable;
    }
    if (error->error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED) {
        const bool is_busy = error->connect_return_code == MQTT_CONNECTION_REFUSE_SERVER_UNAVAILABLE;
        return is_busy ? hal::ConnectionLoss::kUnreachable : hal::ConnectionLoss::kRefused;
    }
    const auto flags = static_cast<unsigned>(error->esp_tls_cert_verify_flags);
    if (flags == 0) {
        return hal::ConnectionLoss::kUnreachable;
    }
    constexpr unsigned kDate = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    return (flags & ~kDate) == 0 ? hal::ConnectionLoss::kOutOfDate : hal::ConnectionLoss::kUntrusted;
}

// Returns whether the broker grants the subscription: what a SUBACK says of each one is at most its QoS, or
// 0x80. All versions hand that over as the data of the event; only newer ones say it in `error_handle`, too.
bool is_granted(const esp_mqtt_event_t& event) {
    constexpr std::uint8_t kMostQos = 2;
    return std::all_of(event.data, event.data + event.data_len,
                       [](char code) { return static_cast<std::uint8_t>(code) <= kMostQos; });
}

}  // namespace

MqttConnection::MqttConnection(const hal::MqttOptions& options, EventQueue& events, BrokerFinder& finder,
                               const Owner& owner)
    : events_(events),
      finder_(finder),
      owner_(owner),
      host_(options.host),
      port_(options.port),
      has_tls_(options.tls),
      keepalive_s_(options.keepalive_s),
      username_(options.username),
      password_(options.password),
      ca_pem_(options.ca_pem),
      will_topic_(options.will_topic),
      will_payload_(options.will_payload) {}

void MqttConnection::open() {
    if (!is_wanted_) {
        return;
    }
    if (has_tls_ && ca_pem_.empty()) {
        end(hal::ConnectionLoss::kUntrusted);
    } else if (host_ == hal::kAutoHost && !find()) {
        end(hal::ConnectionLoss::kNotFound);
    } else if (!start()) {
        end(hal::ConnectionLoss::kUnreachable);
    }
}

// Puts the address of a broker that was found in the place of the host.
bool MqttConnection::find() {
    const FoundBroker* const found = finder_.next(has_tls_, is_wanted_);
    if (found == nullptr) {
        return false;
    }
    host_.clear();
    for (const std::uint8_t part : found->address) {
        host_.append(host_.empty() ? "" : ".").append_number(part);
    }
    port_ = found->port;
    certified_name_ = has_tls_ ? found->host.view() : std::string_view();
    return true;
}

bool MqttConnection::start() {
    esp_mqtt_client_config_t config{};
    config.broker.address.hostname = host_.c_str();
    config.broker.address.port = port_;
    config.broker.address.transport = has_tls_ ? MQTT_TRANSPORT_OVER_SSL : MQTT_TRANSPORT_OVER_TCP;
    config.broker.verification.certificate = has_tls_ ? ca_pem_.c_str() : nullptr;
    config.broker.verification.common_name = certified_name_.empty() ? nullptr : certified_name_.c_str();
    config.credentials.username = username_.c_str();
    config.credentials.client_id = username_.c_str();
    config.credentials.authentication.password = password_.c_str();
    config.session.last_will.topic = will_topic_.c_str();
    config.session.last_will.msg = will_payload_.c_str();
    config.session.last_will.msg_len = static_cast<int>(will_payload_.size());
    config.session.last_will.qos = 1;
    config.session.last_will.retain = 1;
    config.session.keepalive = keepalive_s_;
    config.session.protocol_ver = MQTT_PROTOCOL_V_3_1_1;
    config.session.message_retransmit_timeout = kRetransmitMs;
    config.network.disable_auto_reconnect = true;
    config.network.reconnect_timeout_ms = kPollMs;
    config.network.timeout_ms = kWithinMs;
    config.task.priority = static_cast<int>(hal::kMqttTask.priority);
    config.task.stack_size = static_cast<int>(hal::kMqttTask.stack_bytes);
    config.buffer.size = kBufferBytes;
    client_ = esp_mqtt_client_init(&config);
    if (client_ == nullptr) {
        return false;
    }
    esp_mqtt_client_register_event(client_, MQTT_EVENT_ANY, on_event, this);
    if (esp_mqtt_client_start(client_) == ESP_OK) {
        return true;
    }
    esp_mqtt_client_destroy(client_);
    client_ = nullptr;
    return false;
}

void MqttConnection::close() {
    if (client_ == nullptr) {
        return;
    }
    // A client whose task has not run yet would not be stopped, and destroyed under it.
    for (int turn = 0; turn < kBeginTurns && !is_begun_; ++turn) {
        vTaskDelay(kTurn);
    }
    send_the_rest();
    esp_mqtt_client_stop(client_);
    esp_mqtt_client_destroy(client_);
    client_ = nullptr;
}

// Waits for a moment until the broker has what was published before the end, such as the state "offline".
void MqttConnection::send_the_rest() {
    for (int turn = 0; turn < kFlushTurns && !has_ended_; ++turn) {
        if (esp_mqtt_client_get_outbox_size(client_) <= 0) {
            return;
        }
        vTaskDelay(kTurn);
    }
}

void MqttConnection::subscribe(const Topic& topic) {
    if (is_connected_ && esp_mqtt_client_subscribe_single(client_, topic.c_str(), 0) < 0) {
        end(hal::ConnectionLoss::kUnreachable);  // it would hear nothing
    }
}

void MqttConnection::publish(const char* topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                             bool retain, int token) {
    if (client_ == nullptr || has_ended_) {
        return;
    }
    const int id = esp_mqtt_client_enqueue(client_, topic, reinterpret_cast<const char*>(payload.data()),
                                           static_cast<int>(payload.size()), qos, retain ? 1 : 0, true);
    if (qos == 0) {
        return;
    }
    const auto free =
        std::find_if(pending_.begin(), pending_.end(), [](const Pending& each) { return each.id == 0; });
    if (id <= 0 || free == pending_.end()) {
        end(hal::ConnectionLoss::kUnreachable);  // core waits for its PUBACK: on the next connection it comes
        return;
    }
    *free = {id, token, payload.size()};
}

void MqttConnection::acknowledge(int id) {
    const auto found =
        std::find_if(pending_.begin(), pending_.end(), [id](const Pending& each) { return each.id == id; });
    if (found == pending_.end()) {
        return;
    }
    held_bytes -= found->bytes;
    --held_messages;
    if (is_wanted_) {
        events_.post(Event::puback(found->token));
    }
    *found = {};
}
void MqttConnection::on_event(void* self, esp_event_base_t, std::int32_t, void* data) {
    static_cast<MqttConnection*>(self)->handle_event(*static_cast<const esp_mqtt_event_t*>(data));
    note_stack(hal::kMqttTask.name);
}

void MqttConnection::handle_event(const esp_mqtt_event_t& event) {
    switch (event.event_id) {
        case MQTT_EVENT_BEFORE_CONNECT:
            is_begun_ = true;
            break;
        case MQTT_EVENT_CONNECTED:
            loss_ = hal::ConnectionLoss::kUnreachable;
            finder_.worked();
            if (is_wanted_) {
                is_connected_ = true;
                events_.post(Event::of(EventKind::kMqttConnected));
            }
            break;
        case MQTT_EVENT_ERROR:
            loss_ = loss_of(event.error_handle);
            break;
        case MQTT_EVENT_DISCONNECTED:
            has_ended_ = true;
            end(loss_);
            break;
        case MQTT_EVENT_SUBSCRIBED:
            if (is_wanted_) {
                const bool granted = is_granted(event);
                if (!granted) {
                    ESP_LOGE(kTag, "the broker refuses a subscription");
                }
                events_.post(Event::subscribed(granted));
            }
            break;
        case MQTT_EVENT_PUBLISHED:
            // The task of EspMqttClient knows the token, and knows it only once `publish` has returned.
            if (!owner_.acknowledged(owner_.self, owner_.connection_number, event.msg_id)) {
                end(hal::ConnectionLoss::kUnreachable);
            }
            break;
        case MQTT_EVENT_DELETED:
            // The outbox dropped a message as too old. Core would wait for its PUBACK without end, so the
            // connection is closed: everything that was not acknowledged is sent again on the next one.
            if (event.msg_id != 0) {
                end(hal::ConnectionLoss::kUnreachable);
            }
            break;
        case MQTT_EVENT_DATA:
            append_payload(event);
            break;
        default:
            break;
    }
}

void MqttConnection::append_payload(const esp_mqtt_event_t& event) {
    if (event.current_data_offset == 0) {
        is_retained_ = event.retain;
        const auto length = static_cast<std::size_t>(std::max(event.topic_len, 0));
        // A topic that does not fit is not one of the protocol.
        topic_ = length <= hal::kMaxTopicBytes ? std::string_view(event.topic, length) : std::string_view();
    }
    const auto total = static_cast<std::size_t>(std::max(event.total_data_len, 0));
    const auto offset = static_cast<std::size_t>(std::max(event.current_data_offset, 0));
    const auto length = static_cast<std::size_t>(std::max(event.data_len, 0));
    if (topic_.empty() || total > message_.size() || offset + length > total) {
        return;
    }
    std::copy_n(reinterpret_cast<const std::uint8_t*>(event.data), length,
                message_.begin() + static_cast<std::ptrdiff_t>(offset));
    if (offset + length == total && is_wanted_) {
        events_.post(Event::message(topic_.view(), {message_.data(), total}, is_retained_));
    }
}

void MqttConnection::end(hal::ConnectionLoss loss) {
    is_connected_ = false;
    if (is_wanted_.exchange(false)) {
        events_.post(Event::disconnected(loss));
    }
}

}  // namespace stetho::esp
