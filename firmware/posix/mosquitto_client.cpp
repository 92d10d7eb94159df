#include "posix/mosquitto_client.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace stetho::posix {
namespace {

constexpr int kMostWaiting = 32;  // messages in the client at once; as many as esp-mqtt's outbox holds
constexpr int kTurnMs = 20;
constexpr auto kTurn = std::chrono::milliseconds(kTurnMs);
constexpr int kDisconnectTurns = 50;  // at most a second

}  // namespace

MosquittoClient::MosquittoClient(EventQueue& events, const std::string& ask) : events_(events), multicast_(ask) {
    mosquitto_lib_init();
}

MosquittoClient::~MosquittoClient() {
    close(false);
    mosquitto_lib_cleanup();
}

bool MosquittoClient::connect(const hal::MqttOptions& options) {
    close(false);
    loss_ = hal::ConnectionLoss::kUnreachable;
    if (!is_plugged_) {
        events_.post(Event::disconnected(loss_));
        return true;
    }
    if (options.tls && options.ca_pem.empty()) {
        events_.post(Event::disconnected(hal::ConnectionLoss::kUntrusted));
        return true;
    }
    if (!prepare(options)) return false;
    is_silent_ = is_over_ = false;
    is_wanted_ = true;
    waiting_ = 0;
    thread_ = std::thread(&MosquittoClient::run, this, std::string(options.host), int{options.port},
                          int{options.keepalive_s}, options.tls);
    return true;
}

bool MosquittoClient::prepare(const hal::MqttOptions& options) {
    const std::string name(options.username);
    client_ = mosquitto_new(name.c_str(), true, this);
    if (client_ == nullptr) return false;
    mosquitto_threaded_set(client_, true);
    mosquitto_max_inflight_messages_set(client_, 0);  // core has a window of its own
    mosquitto_connect_callback_set(client_, on_connect);
    mosquitto_subscribe_callback_set(client_, on_subscribe);
    mosquitto_publish_callback_set(client_, on_publish);
    mosquitto_message_callback_set(client_, on_message);
    mosquitto_log_callback_set(client_, on_log);
    const std::string topic(options.will_topic);
    return mosquitto_username_pw_set(client_, name.c_str(), std::string(options.password).c_str()) ==
               MOSQ_ERR_SUCCESS &&
           mosquitto_will_set(client_, topic.c_str(), static_cast<int>(options.will_payload.size()),
                              options.will_payload.data(), 1, true) == MOSQ_ERR_SUCCESS &&
           (!options.tls || write_ca_file(options.ca_pem));
}

bool MosquittoClient::write_ca_file(std::string_view ca_pem) {
    ca_file_.emplace(ca_pem);
    return ca_file_->is_written() &&
           mosquitto_tls_opts_set(client_, 1, "tlsv1.2", nullptr) == MOSQ_ERR_SUCCESS &&
           mosquitto_tls_set(client_, ca_file_->path(), nullptr, nullptr, nullptr, nullptr) ==
               MOSQ_ERR_SUCCESS;
}

// Finds a broker. With TLS its certificate must have the name that was announced, not the address.
bool MosquittoClient::find(std::string& host, int& port, bool tls) {
    const FoundBroker* const found = finder_.next(tls, is_wanted_);
    if (found == nullptr) return false;
    host.clear();
    for (const std::uint8_t part : found->address) host += (host.empty() ? "" : ".") + std::to_string(part);
    port = found->port;
    return !tls || expect_name(found->host);
}

// Lets OpenSSL check chain and name of the certificate in a context of ours: libmosquitto compares the name with the
// host only, which is an address here. So its own check is switched off.
bool MosquittoClient::expect_name(std::string_view name) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    if (context == nullptr) return false;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    const bool is_set =
        SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_load_verify_locations(context, ca_file_->path(), nullptr) == 1 &&
        X509_VERIFY_PARAM_set1_host(SSL_CTX_get0_param(context), name.data(), name.size()) == 1 &&
        mosquitto_int_option(client_, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0) == MOSQ_ERR_SUCCESS &&
        mosquitto_void_option(client_, MOSQ_OPT_SSL_CTX, context) == MOSQ_ERR_SUCCESS &&
        mosquitto_tls_insecure_set(client_, true) == MOSQ_ERR_SUCCESS;
    SSL_CTX_free(context);  // the client holds it
    return is_set;
}

void MosquittoClient::run(std::string host, int port, int keepalive_s, bool tls) {
    const bool is_found = host != hal::kAutoHost || find(host, port, tls);
    if (!is_found) loss_ = hal::ConnectionLoss::kNotFound;
    int error = is_found ? mosquitto_connect(client_, host.c_str(), port, keepalive_s) : MOSQ_ERR_NO_CONN;
    while (error == MOSQ_ERR_SUCCESS && is_wanted_ && is_plugged_) {
        error = mosquitto_loop(client_, kTurnMs, 1);
    }
    if (error == MOSQ_ERR_TLS) loss_ = hal::ConnectionLoss::kUntrusted;
    is_connected_ = false;
    if (!is_silent_) events_.post(Event::disconnected(loss_));
    is_over_ = true;
}

void MosquittoClient::disconnect() { close(true); }

void MosquittoClient::close(bool sends_disconnect) {
    if (client_ == nullptr) return;
    is_silent_ = true;
    if (sends_disconnect && is_connected_) {
        // An answer that nobody read would reset the connection, and the broker would not see its orderly end.
        for (int turn = 0; turn < kDisconnectTurns && waiting_ > 0 && !is_over_; ++turn)
            std::this_thread::sleep_for(kTurn);
        mosquitto_disconnect(client_);  // queued behind the messages that were published
        for (int turn = 0; turn < kDisconnectTurns && !is_over_; ++turn) std::this_thread::sleep_for(kTurn);
    }
    is_wanted_ = false;
    if (thread_.joinable()) thread_.join();
    is_connected_ = false;
    mosquitto_destroy(client_);
    client_ = nullptr;
    ca_file_.reset();
}

bool MosquittoClient::subscribe(std::string_view topic) {
    return is_connected_ &&
           mosquitto_subscribe(client_, nullptr, std::string(topic).c_str(), 0) == MOSQ_ERR_SUCCESS;
}

int MosquittoClient::publish(std::string_view topic, std::span<const std::uint8_t> payload, std::uint8_t qos,
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

void MosquittoClient::plug(bool is_plugged) { is_plugged_ = is_plugged; }

void MosquittoClient::on_connect(mosquitto*, void* self, int code) {
    auto* client = static_cast<MosquittoClient*>(self);
    if (code != 0) {
        constexpr int kBusy = 3;  // the broker is there and takes nobody now
        client->loss_ =
            code >= 2 && code <= 5 && code != kBusy ? hal::ConnectionLoss::kRefused : hal::ConnectionLoss::kUnreachable;
        return;  // the broker closes the connection
    }
    client->is_connected_ = true;
    client->finder_.worked();
    client->events_.post(Event::of(EventKind::kMqttConnected));
}

void MosquittoClient::on_subscribe(mosquitto*, void* self, int, int count, const int* granted) {
    constexpr int kMostQos = 2;
    const bool is_granted = std::all_of(granted, granted + count, [](int qos) { return qos <= kMostQos; });
    if (!is_granted) std::fprintf(stderr, "mqtt: the broker refuses a subscription\n");
    static_cast<MosquittoClient*>(self)->events_.post(Event::subscribed(is_granted));
}

// Called for QoS 0 as well, when the message was written; core knows its tokens.
void MosquittoClient::on_publish(mosquitto*, void* self, int id) {
    auto* client = static_cast<MosquittoClient*>(self);
    --client->waiting_;
    client->events_.post(Event::puback(id));
}

void MosquittoClient::on_message(mosquitto*, void* self, const mosquitto_message* message) {
    const std::string_view topic(message->topic);
    const auto length = static_cast<std::size_t>(message->payloadlen);
    if (topic.size() > hal::kMaxTopicBytes || length > hal::kMaxMessageBytes) return;
    static_cast<MosquittoClient*>(self)->events_.post(
        Event::message(topic, {static_cast<const std::uint8_t*>(message->payload), length}, message->retain));
}

void MosquittoClient::on_log(mosquitto*, void*, int level, const char* text) {
    if (level == MOSQ_LOG_ERR) std::fprintf(stderr, "mqtt: %s\n", text);
}

}  // namespace stetho::posix
