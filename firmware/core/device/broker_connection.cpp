#include "core/device/broker_connection.h"

#include <algorithm>
#include <array>

namespace stetho {

bool BrokerConnection::begin(const Settings& settings, std::uint32_t boot, const Info& info) {
    settings_ = &settings;
    boot_ = boot;
    info_ = info;
    forget();
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
    forget();
}

void BrokerConnection::shut_down() {
    state_ = DeviceState::kOffline;
    is_state_due_ = true;
    if (is_online_) publish_due();
    stop();
}

void BrokerConnection::connected(std::uint64_t now_ms) {
    if (settings_ == nullptr) return;
    if (!subscribe_to_all()) return drop(hal::ConnectionLoss::kUnreachable, now_ms);
    try_at_ms_ = now_ms + kAttemptMs;
}

void BrokerConnection::subscribed(bool is_granted, std::uint64_t now_ms) {
    if (!is_online_ && ungranted_ == 0) return;  // of a connection that was given up
    if (!is_granted) return drop(hal::ConnectionLoss::kDeaf, now_ms);
    if (is_online_ || --ungranted_ > 0) return;
    is_online_ = true;
    is_trying_ = false;
    online_since_ms_ = now_ms;
    is_state_due_ = is_info_due_ = true;
    backoff_.reset();
}

bool BrokerConnection::tick(std::uint64_t now_ms) {
    if (settings_ == nullptr) return true;
    if (!network_.is_up()) {
        if (!is_online_ && !is_trying_) return true;
        const bool was_online = is_online_;
        mqtt_.disconnect();
        forget();
        loss_ = hal::ConnectionLoss::kUnreachable;
        try_at_ms_ = now_ms;  // reconnect as soon as the network is back
        return !was_online;
    }
    if (is_online_) {
        publish_due();
    } else if (now_ms >= try_at_ms_) {
        if (is_trying_)
            drop(ungranted_ > 0 ? hal::ConnectionLoss::kDeaf : hal::ConnectionLoss::kUnreachable, now_ms);
        else
            connect(now_ms);
    }
    return true;
}

void BrokerConnection::drop(hal::ConnectionLoss loss, std::uint64_t now_ms) {
    mqtt_.disconnect();
    end(loss, now_ms);
}

void BrokerConnection::ask_again(bool is_waiting, std::uint64_t now_ms) {
    if (!is_online_ || !is_waiting) {
        ask_after_ms_ = kAskAfterMs;
    } else if (now_ms < ask_at_ms_) {
        return;
    } else {
        subscribe(Topic::kResult);
        subscribe(Topic::kWorker);
        ask_after_ms_ = std::min(ask_after_ms_ * 2, kAskAtMostMs);
    }
    ask_at_ms_ = now_ms + ask_after_ms_;
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
    if (!mqtt_.connect(options)) return end(loss_, now_ms);
    is_trying_ = true;
    try_at_ms_ = now_ms + kAttemptMs;
}

// Notes that there is no connection, and why, and waits before the next try.
void BrokerConnection::end(hal::ConnectionLoss loss, std::uint64_t now_ms) {
    loss_ = loss;
    forget();
    try_at_ms_ = now_ms + backoff_.next(random_.next());
}

void BrokerConnection::forget() {
    is_online_ = is_trying_ = false;
    ungranted_ = 0;
}

bool BrokerConnection::subscribe(Topic topic) {
    return mqtt_.subscribe(topic_name(topic, settings_->device_id));
}

bool BrokerConnection::subscribe_to_all() {
    // The workers come last: when the display says that one is there, the device receives everything else,
    // too.
    constexpr std::array kTopics{Topic::kControl, Topic::kResult, Topic::kCommand, Topic::kLive,
                                 Topic::kWorker};
    ungranted_ = kTopics.size();
    return std::all_of(kTopics.begin(), kTopics.end(), [this](Topic topic) { return subscribe(topic); });
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
