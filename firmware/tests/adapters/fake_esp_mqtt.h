// Fake of esp-mqtt: like the real one, its task holds the lock of the client while it connects or writes, and
// every call waits for that lock.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "mqtt_client.h"

namespace stetho::test {

// Gate that a test closes and opens; who comes while it is closed waits, five seconds at most.
class TestGate {
  public:
    void close() { is_closed_ = true; }
    void open() { is_closed_ = false; }
    void pass();
    // Returns whether somebody waits. It stays so until the gate is opened.
    bool holds_somebody() const { return waiting_ > 0; }
    void wait_for_somebody() const;

  private:
    std::atomic<bool> is_closed_{false};
    std::atomic<int> waiting_{0};
};

// What the test decides, and what happened. One for all clients.
struct FakeEspMqtt {
    TestGate task_start;   // before a client's task does anything
    TestGate connecting;   // name, TCP, TLS, CONNACK: with the lock
    TestGate enqueueing;   // a write of another message: with the lock
    std::atomic<int> connack{0};
    std::atomic<int> verify_flags{0};
    std::atomic<bool> acknowledges_at_once{false};  // the PUBACK comes before `enqueue` has returned
    std::atomic<bool> can_subscribe{true};
    std::atomic<int> suback{0};  // what the broker says of a subscription

    std::atomic<int> begun{0};
    std::atomic<int> destroyed{0};
    std::atomic<int> most_at_once{0};
    std::atomic<bool> was_destroyed_while_running{false};
    std::atomic<int> retransmit_ms{0};
    // Of the last client: "host:port", and " as NAME" where the certificate must have another name than the host.
    std::string where;

    // What happened, in order: "subscribe T", "publish T", "stop".
    std::vector<std::string> log() const;
    void note(const std::string& what);
    // Lets the broker acknowledge the message with this id.
    void acknowledge(int id);
};

FakeEspMqtt& fake_esp_mqtt();
// Starts again with everything as at the start. No client may be alive.
void reset_fake_esp_mqtt();

}  // namespace stetho::test
