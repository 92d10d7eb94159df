#include "core/device/broker_connection.h"

#include <array>

namespace stetho {

bool BrokerConnection::begin(const Settings& settings, std::uint32_t boot, const Info& info) {
    settings_ = &settings;
    boot_ = boot;
    info_ = info;
    is_online_ = is_trying_ = false;
    loss_ = hal::ConnectionLoss::kUnreachable;
    try_at_ms_ = 0;
    backoff_.reset();
    return network_.join(settings.wifi_ssid, settings.wifi_password);
}

void BrokerConnection::stop() {
    if (settings_ == nullptr) return;
    mqtt_.disconnect();
    network_.stop();
    settings_ = nullptr;
    is_online_ = is_trying_ = false;
}

void BrokerConnection::shut_down() {
    state_ = DeviceState::kOffline;
    is_state_due_ = true;
    if (is_online_) publish_due();
    stop();
}

bool BrokerConnection::connected(std::uint64_t now_ms) {
    if (settings_ == nullptr) return false;
    if (!subscribe()) {
        mqtt_.disconnect();
        wait(now_ms);
        return false;
    }
    is_online_ = true;
    is_trying_ = false;
    online_since_ms_ = now_ms;
    is_state_due_ = is_info_due_ = true;
    backoff_.reset();
    return true;
}

bool BrokerConnection::disconnected(hal::ConnectionLoss loss, std::uint64_t now_ms) {
    const bool was_online = is_online_;
    loss_ = loss;
    wait(now_ms);
    return was_online;
}

bool BrokerConnection::tick(std::uint64_t now_ms) {
    if (settings_ == nullptr) return true;
    if (!network_.is_up()) {
        if (!is_online_ && !is_trying_) return true;
        const bool was_online = is_online_;
        mqtt_.disconnect();
        is_online_ = is_trying_ = false;
        loss_ = hal::ConnectionLoss::kUnreachable;
        try_at_ms_ = now_ms;  // reconnect as soon as the network is back
        return !was_online;
    }
    if (is_online_) {
        publish_due();
    } else if (now_ms >= try_at_ms_) {
        if (is_trying_)
            drop(now_ms);
        else
            connect(now_ms);
    }
    return true;
}

void BrokerConnection::drop(std::uint64_t now_ms) {
    mqtt_.disconnect();
    loss_ = hal::ConnectionLoss::kUnreachable;
    wait(now_ms);
}

void BrokerConnection::set_state(DeviceState state) {
    is_state_due_ = is_state_due_ || state != state_;
    state_ = state;
}

bool BrokerConnection::publish(Topic topic, Bytes payload, std::uint8_t qos) {
    if (!is_online_ || payload.empty()) return false;
    return mqtt_.publish(topic_name(topic, settings_->device_id), payload, qos, false) >= 0;
}

void BrokerConnection::connect(std::uint64_t now_ms) {
    std::array<std::uint8_t, kMaxMessageBytes> will;
    const std::size_t size = write_state(DeviceState::kLost, boot_, will);
    const TopicName topic = topic_name(Topic::kState, settings_->device_id);
    hal::MqttOptions options;
    options.host = settings_->host;
    options.port = settings_->port;
    options.tls = settings_->tls;
    options.ca_pem = settings_->ca;
    options.username = settings_->device_id;
    options.password = settings_->password;
    options.will_topic = topic;
    options.will_payload = {reinterpret_cast<const char*>(will.data()), size};
    if (!mqtt_.connect(options)) return wait(now_ms);
    is_trying_ = true;
    try_at_ms_ = now_ms + kAttemptMs;
}

void BrokerConnection::wait(std::uint64_t now_ms) {
    is_online_ = is_trying_ = false;
    try_at_ms_ = now_ms + backoff_.next(random_.next());
}

bool BrokerConnection::subscribe() {
    const std::string_view device = settings_->device_id;
    // The workers come last: when the display says that one is there, the device receives everything else,
    // too.
    return mqtt_.subscribe(topic_name(Topic::kControl, device), 1) &&
           mqtt_.subscribe(topic_name(Topic::kResult, device), 1) &&
           mqtt_.subscribe(topic_name(Topic::kCommand, device), 1) &&
           mqtt_.subscribe(topic_name(Topic::kLive, device), 0) &&
           mqtt_.subscribe(topic_name(Topic::kWorker, device), 1);
}

void BrokerConnection::publish_due() {
    std::array<std::uint8_t, kMaxMessageBytes> message;
    const std::string_view device = settings_->device_id;
    if (is_state_due_) {
        const std::size_t size = write_state(state_, boot_, message, info_.is_safe_mode);
        const auto payload = std::span(message).first(size);
        is_state_due_ = mqtt_.publish(topic_name(Topic::kState, device), payload, 1, true) < 0;
    }
    if (is_info_due_) {
        const auto payload = std::span(message).first(write_info(info_, message));
        is_info_due_ = mqtt_.publish(topic_name(Topic::kInfo, device), payload, 1, true) < 0;
    }
}

}  // namespace stetho
