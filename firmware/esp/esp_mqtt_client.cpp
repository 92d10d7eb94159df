#include "esp/esp_mqtt_client.h"

#include <algorithm>

#include "hal/tasks.h"

namespace stetho::esp {
namespace {

constexpr int kWriteWithinMs = 3000;
constexpr int kPollMs = 200;  // `stop` waits half of it for a client that is not connected
constexpr int kBufferBytes = 2048;

template <std::size_t Capacity>
bool assign(FixedString<Capacity>& text, std::string_view value) {
    text.clear();
    text.append(value);
    return value.size() <= Capacity;
}

hal::ConnectionLoss loss_of(const esp_mqtt_error_codes_t* error) {
    if (error == nullptr) {
        return hal::ConnectionLoss::kUnreachable;
    }
    if (error->error_type == MQTT_ERROR_TYPE_CONNECTION_REFUSED) {
        return hal::ConnectionLoss::kRefused;
    }
    return error->esp_tls_cert_verify_flags != 0 ? hal::ConnectionLoss::kUntrusted
                                                 : hal::ConnectionLoss::kUnreachable;
}

}  // namespace

bool EspMqttClient::connect(const hal::MqttOptions& options) {
    disconnect();
    if (options.host.empty() || options.host.size() > host_.capacity()) {
        return false;
    }
    copy_options(options);
    is_wanted_ = true;
    if (options.tls && options.ca_pem.empty()) {
        end(hal::ConnectionLoss::kUntrusted);
        return true;
    }
    esp_mqtt_client_config_t config{};
    config.broker.address.hostname = host_.c_str();
    config.broker.address.port = options.port;
    config.broker.address.transport = options.tls ? MQTT_TRANSPORT_OVER_SSL : MQTT_TRANSPORT_OVER_TCP;
    config.broker.verification.certificate = options.tls ? ca_pem_.c_str() : nullptr;
    config.credentials.username = username_.c_str();
    config.credentials.client_id = username_.c_str();
    config.credentials.authentication.password = password_.c_str();
    config.session.last_will.topic = will_topic_.c_str();
    config.session.last_will.msg = will_payload_.c_str();
    config.session.last_will.msg_len = static_cast<int>(will_payload_.size());
    config.session.last_will.qos = 1;
    config.session.last_will.retain = 1;
    config.session.keepalive = options.keepalive_s;
    config.session.protocol_ver = MQTT_PROTOCOL_V_3_1_1;
    config.network.disable_auto_reconnect = true;
    config.network.reconnect_timeout_ms = kPollMs;
    config.network.timeout_ms = kWriteWithinMs;
    config.task.priority = static_cast<int>(hal::kMqttTask.priority);
    config.task.stack_size = static_cast<int>(hal::kMqttTask.stack_bytes);
    config.buffer.size = kBufferBytes;
    config.outbox.limit = outbox_bytes_;
    client_ = esp_mqtt_client_init(&config);
    if (client_ == nullptr) {
        return false;
    }
    esp_mqtt_client_register_event(client_, MQTT_EVENT_ANY, on_event, this);
    return esp_mqtt_client_start(client_) == ESP_OK;
}

void EspMqttClient::disconnect() {
    is_wanted_ = false;
    is_connected_ = false;
    if (client_ != nullptr) {
        esp_mqtt_client_stop(client_);
        esp_mqtt_client_destroy(client_);
        client_ = nullptr;
    }
}

bool EspMqttClient::subscribe(std::string_view topic, std::uint8_t qos) {
    return is_connected_ && topic.size() <= hal::kMaxTopicBytes &&
           esp_mqtt_client_subscribe_single(client_, Topic(topic).c_str(), qos) >= 0;
}

int EspMqttClient::publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                           bool retain) {
    if (!is_connected_ || topic.size() > hal::kMaxTopicBytes || payload.empty()) {
        return hal::kMqttFull;
    }
    const int id =
        esp_mqtt_client_enqueue(client_, Topic(topic).c_str(), reinterpret_cast<const char*>(payload.data()),
                                static_cast<int>(payload.size()), qos, retain ? 1 : 0, true);
    if (id < 0) {
        return hal::kMqttFull;
    }
    return qos == 0 ? hal::kMqttUntracked : id;
}

void EspMqttClient::copy_options(const hal::MqttOptions& options) {
    assign(host_, options.host);
    assign(username_, options.username);
    assign(password_, options.password);
    assign(ca_pem_, options.ca_pem);
    assign(will_topic_, options.will_topic);
    assign(will_payload_, options.will_payload);
}

void EspMqttClient::on_event(void* self, esp_event_base_t, std::int32_t, void* data) {
    static_cast<EspMqttClient*>(self)->handle_event(*static_cast<const esp_mqtt_event_t*>(data));
}

void EspMqttClient::handle_event(const esp_mqtt_event_t& event) {
    switch (event.event_id) {
        case MQTT_EVENT_CONNECTED:
            loss_ = hal::ConnectionLoss::kUnreachable;
            is_connected_ = true;
            events_.post(Event::of(EventKind::kMqttConnected));
            break;
        case MQTT_EVENT_ERROR:
            loss_ = loss_of(event.error_handle);
            break;
        case MQTT_EVENT_DISCONNECTED:
            end(loss_);
            break;
        case MQTT_EVENT_PUBLISHED:
            events_.post(Event::puback(event.msg_id));
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

void EspMqttClient::append_payload(const esp_mqtt_event_t& event) {
    if (event.current_data_offset == 0) {
        is_retained_ = event.retain;
        const auto length = static_cast<std::size_t>(std::max(event.topic_len, 0));
        // A topic that does not fit is not one of the protocol.
        assign(topic_,
               length <= hal::kMaxTopicBytes ? std::string_view(event.topic, length) : std::string_view());
    }
    const auto total = static_cast<std::size_t>(std::max(event.total_data_len, 0));
    const auto offset = static_cast<std::size_t>(std::max(event.current_data_offset, 0));
    const auto length = static_cast<std::size_t>(std::max(event.data_len, 0));
    if (topic_.empty() || total > message_.size() || offset + length > total) {
        return;
    }
    std::copy_n(reinterpret_cast<const std::uint8_t*>(event.data), length,
                message_.begin() + static_cast<std::ptrdiff_t>(offset));
    if (offset + length == total) {
        events_.post(Event::message(topic_.view(), {message_.data(), total}, is_retained_));
    }
}

void EspMqttClient::end(hal::ConnectionLoss loss) {
    is_connected_ = false;
    if (is_wanted_.exchange(false)) {
        events_.post(Event::disconnected(loss));
    }
}

}  // namespace stetho::esp
