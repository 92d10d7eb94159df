#include "posix/mqtt_link.h"

#include <chrono>
#include <cstdio>

namespace stetho::posix {
namespace {

constexpr int kMostWaiting = 32;  // messages in the client at once; esp-mqtt's outbox holds as much
constexpr int kTurnMs = 20;
constexpr auto kTurn = std::chrono::milliseconds(kTurnMs);
constexpr int kGoodbyeTurns = 50;  // at most a second

}  // namespace

MqttLink::MqttLink(EventQueue& events) : events_(events) { mosquitto_lib_init(); }

MqttLink::~MqttLink() {
    leave(false);
    mosquitto_lib_cleanup();
}

bool MqttLink::connect(const hal::MqttOptions& options) {
    leave(false);
    loss_ = hal::MqttLoss::kUnreachable;
    if (!is_plugged_) {
        events_.post(Event::disconnected(loss_));
        return true;
    }
    if (options.tls && options.ca_pem.empty()) {
        events_.post(Event::disconnected(hal::MqttLoss::kUntrusted));
        return true;
    }
    if (!prepare(options)) return false;
    is_silent_ = is_ending_ = is_over_ = false;
    waiting_ = 0;
    thread_ = std::thread(&MqttLink::run, this, std::string(options.host), int{options.port},
                          int{options.keepalive_s});
    return true;
}

bool MqttLink::prepare(const hal::MqttOptions& options) {
    const std::string name(options.username);
    client_ = mosquitto_new(name.c_str(), true, this);
    if (client_ == nullptr) return false;
    mosquitto_threaded_set(client_, true);
    mosquitto_max_inflight_messages_set(client_, 0);  // core has a window of its own
    mosquitto_connect_callback_set(client_, on_connect);
    mosquitto_publish_callback_set(client_, on_publish);
    mosquitto_message_callback_set(client_, on_message);
    mosquitto_log_callback_set(client_, on_log);
    const std::string topic(options.will_topic);
    return mosquitto_username_pw_set(client_, name.c_str(), std::string(options.password).c_str()) ==
               MOSQ_ERR_SUCCESS &&
           mosquitto_will_set(client_, topic.c_str(), static_cast<int>(options.will_payload.size()),
                              options.will_payload.data(), 1, true) == MOSQ_ERR_SUCCESS &&
           (!options.tls || trust(options.ca_pem));
}

bool MqttLink::trust(std::string_view ca_pem) {
    ca_file_.emplace(ca_pem);
    return ca_file_->is_written() &&
           mosquitto_tls_opts_set(client_, 1, "tlsv1.2", nullptr) == MOSQ_ERR_SUCCESS &&
           mosquitto_tls_set(client_, ca_file_->path(), nullptr, nullptr, nullptr, nullptr) ==
               MOSQ_ERR_SUCCESS;
}

void MqttLink::run(std::string host, int port, int keepalive_s) {
    int error = mosquitto_connect(client_, host.c_str(), port, keepalive_s);
    while (error == MOSQ_ERR_SUCCESS && !is_ending_ && is_plugged_) {
        error = mosquitto_loop(client_, kTurnMs, 1);
    }
    if (error == MOSQ_ERR_TLS) loss_ = hal::MqttLoss::kUntrusted;
    is_connected_ = false;
    if (!is_silent_) events_.post(Event::disconnected(loss_));
    is_over_ = true;
}

void MqttLink::disconnect() { leave(true); }

void MqttLink::leave(bool says_goodbye) {
    if (client_ == nullptr) return;
    is_silent_ = true;
    if (says_goodbye && is_connected_) {
        mosquitto_disconnect(client_);  // queued behind what was published
        for (int turn = 0; turn < kGoodbyeTurns && !is_over_; ++turn) std::this_thread::sleep_for(kTurn);
    }
    is_ending_ = true;
    if (thread_.joinable()) thread_.join();
    is_connected_ = false;
    mosquitto_destroy(client_);
    client_ = nullptr;
    ca_file_.reset();
}

bool MqttLink::subscribe(std::string_view topic, std::uint8_t qos) {
    return is_connected_ &&
           mosquitto_subscribe(client_, nullptr, std::string(topic).c_str(), qos) == MOSQ_ERR_SUCCESS;
}

int MqttLink::publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
                      bool retain) {
    if (!is_connected_ || waiting_ >= kMostWaiting) return hal::kMqttFull;
    ++waiting_;
    int id = 0;
    const int error = mosquitto_publish(client_, &id, std::string(topic).c_str(),
                                        static_cast<int>(payload.size()), payload.data(), qos, retain);
    if (error != MOSQ_ERR_SUCCESS) {
        --waiting_;
        return hal::kMqttFull;
    }
    return qos == 0 ? hal::kMqttUntracked : id;
}

void MqttLink::plug(bool is_plugged) { is_plugged_ = is_plugged; }

void MqttLink::on_connect(mosquitto*, void* self, int code) {
    auto* link = static_cast<MqttLink*>(self);
    if (code != 0) {
        link->loss_ = code >= 2 && code <= 5 ? hal::MqttLoss::kRefused : hal::MqttLoss::kUnreachable;
        return;  // the broker closes the connection
    }
    link->is_connected_ = true;
    link->events_.post(Event::of(EventKind::kMqttConnected));
}

// Comes for QoS 0 as well, when it was written; core knows its tokens.
void MqttLink::on_publish(mosquitto*, void* self, int id) {
    auto* link = static_cast<MqttLink*>(self);
    --link->waiting_;
    link->events_.post(Event::puback(id));
}

void MqttLink::on_message(mosquitto*, void* self, const mosquitto_message* message) {
    const std::string_view topic(message->topic);
    const auto length = static_cast<std::size_t>(message->payloadlen);
    if (topic.size() > hal::kMaxTopicBytes || length > hal::kMaxMessageBytes) return;
    static_cast<MqttLink*>(self)->events_.post(
        Event::message(topic, {static_cast<const std::uint8_t*>(message->payload), length}, message->retain));
}

void MqttLink::on_log(mosquitto*, void*, int level, const char* text) {
    if (level == MOSQ_LOG_ERR) std::fprintf(stderr, "mqtt: %s\n", text);
}

}  // namespace stetho::posix
