#include "tests/adapters/fake_esp_mqtt.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

namespace {

using stetho::test::fake_esp_mqtt;

constexpr auto kTurn = std::chrono::milliseconds(1);
constexpr int kTurns = 5'000;

std::mutex log_mutex;
std::vector<std::string> log_lines;
std::unique_ptr<stetho::test::FakeEspMqtt> fake;
std::atomic<esp_mqtt_client*> newest{nullptr};

}  // namespace

struct esp_mqtt_client {
    std::mutex lock;
    std::thread task;
    std::atomic<bool> runs{false};
    std::atomic<bool> is_connected{false};
    std::atomic<int> next_id{100};
    std::atomic<int> unacknowledged{0};
    esp_event_handler_t handler = nullptr;
    void* argument = nullptr;

    void tell(esp_mqtt_event_id_t id, esp_mqtt_error_codes_t* error = nullptr, int message = 0,
              std::span<char> data = {}) {
        esp_mqtt_event_t event{};
        event.event_id = id;
        event.error_handle = error;
        event.msg_id = message;
        event.data = data.data();
        event.data_len = static_cast<int>(data.size());
        handler(argument, "MQTT_EVENTS", id, &event);
    }

    void acknowledge(int id) {
        --unacknowledged;
        tell(MQTT_EVENT_PUBLISHED, nullptr, id);
    }

    void run() {
        fake_esp_mqtt().task_start.pass();
        const std::lock_guard guard(lock);
        runs = true;
        tell(MQTT_EVENT_BEFORE_CONNECT);
        fake_esp_mqtt().connecting.pass();
        esp_mqtt_error_codes_t error{};
        error.esp_tls_cert_verify_flags = fake_esp_mqtt().verify_flags;
        error.error_type = MQTT_ERROR_TYPE_TCP_TRANSPORT;
        if (fake_esp_mqtt().connack != 0) {
            error.error_type = MQTT_ERROR_TYPE_CONNECTION_REFUSED;
            error.connect_return_code = static_cast<esp_mqtt_connect_return_code_t>(fake_esp_mqtt().connack.load());
        }
        if (error.esp_tls_cert_verify_flags == 0 && fake_esp_mqtt().connack == 0) {
            is_connected = true;
            return tell(MQTT_EVENT_CONNECTED);
        }
        tell(MQTT_EVENT_ERROR, &error);
        tell(MQTT_EVENT_DISCONNECTED);
    }
};

namespace stetho::test {

void TestGate::pass() {
    ++waiting_;
    for (int turn = 0; turn < kTurns && is_closed_; ++turn) std::this_thread::sleep_for(kTurn);
    --waiting_;
}

void TestGate::wait_for_somebody() const {
    for (int turn = 0; turn < kTurns && waiting_ == 0; ++turn) std::this_thread::sleep_for(kTurn);
}

std::vector<std::string> FakeEspMqtt::log() const {
    const std::lock_guard guard(log_mutex);
    return log_lines;
}

void FakeEspMqtt::note(const std::string& what) {
    const std::lock_guard guard(log_mutex);
    log_lines.push_back(what);
}

void FakeEspMqtt::acknowledge(int id) { newest.load()->acknowledge(id); }

FakeEspMqtt& fake_esp_mqtt() { return *fake; }

void reset_fake_esp_mqtt() {
    fake = std::make_unique<FakeEspMqtt>();
    const std::lock_guard guard(log_mutex);
    log_lines.clear();
}

}  // namespace stetho::test

extern "C" {

esp_mqtt_client_handle_t esp_mqtt_client_init(const esp_mqtt_client_config_t* config) {
    auto& state = fake_esp_mqtt();
    state.retransmit_ms = config->session.message_retransmit_timeout;
    state.where = std::string(config->broker.address.hostname) + ":" + std::to_string(config->broker.address.port);
    if (config->broker.verification.common_name != nullptr)
        state.where += std::string(" as ") + config->broker.verification.common_name;
    newest = new esp_mqtt_client;
    const int alive = ++state.begun - state.destroyed;
    if (alive > state.most_at_once) state.most_at_once = alive;
    return newest;
}

esp_err_t esp_mqtt_client_register_event(esp_mqtt_client_handle_t client, esp_mqtt_event_id_t,
                                         esp_event_handler_t handler, void* argument) {
    client->handler = handler;
    client->argument = argument;
    return ESP_OK;
}

esp_err_t esp_mqtt_client_start(esp_mqtt_client_handle_t client) {
    client->task = std::thread(&esp_mqtt_client::run, client);
    return ESP_OK;
}

esp_err_t esp_mqtt_client_stop(esp_mqtt_client_handle_t client) {
    const std::lock_guard guard(client->lock);
    if (!client->runs) return ESP_FAIL;  // as the real one: its task has not begun
    fake_esp_mqtt().note("stop");
    client->task.join();  // it does not want the lock any more
    client->runs = false;
    return ESP_OK;
}

esp_err_t esp_mqtt_client_destroy(esp_mqtt_client_handle_t client) {
    if (client->task.joinable()) {  // as the real one would: its memory goes under its task
        fake_esp_mqtt().was_destroyed_while_running = true;
        client->task.join();
    }
    delete client;
    ++fake_esp_mqtt().destroyed;
    return ESP_OK;
}

int esp_mqtt_client_get_outbox_size(esp_mqtt_client_handle_t client) {
    const std::lock_guard guard(client->lock);
    return client->unacknowledged;
}

int esp_mqtt_client_subscribe_single(esp_mqtt_client_handle_t client, const char* topic, int) {
    const std::lock_guard guard(client->lock);
    fake_esp_mqtt().enqueueing.pass();
    fake_esp_mqtt().note(std::string("subscribe ") + topic);
    if (!fake_esp_mqtt().can_subscribe) return -1;
    const int id = ++client->next_id;
    char granted = static_cast<char>(fake_esp_mqtt().suback);
    client->tell(MQTT_EVENT_SUBSCRIBED, nullptr, id, {&granted, 1});
    return id;
}

int esp_mqtt_client_enqueue(esp_mqtt_client_handle_t client, const char* topic, const char* data, int length,
                            int qos, int, bool) {
    const std::lock_guard guard(client->lock);
    fake_esp_mqtt().enqueueing.pass();
    const int id = ++client->next_id;
    fake_esp_mqtt().note(std::string("publish ") + topic + " " +
                         std::string(data, static_cast<std::size_t>(length)));
    if (qos == 0) return 0;
    ++client->unacknowledged;
    if (fake_esp_mqtt().acknowledges_at_once) client->acknowledge(id);
    return id;
}
}
