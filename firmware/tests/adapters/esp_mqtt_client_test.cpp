#include "esp/esp_mqtt_client.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <thread>

#include "mbedtls/x509.h"
#include "tests/adapters/fake_esp_mqtt.h"
#include "tests/fake_multicast.h"

using namespace stetho;
using namespace stetho::test;

namespace {

constexpr std::uint32_t kWaitMs = 10'000;  // as fast as the fake's clock is, one second

struct FixedRandom final : hal::Random {
    std::uint32_t next() override { return 7; }
};

// A client in a task, as the board has it. It lives as long as the program: its task never ends.
struct Fixture {
    Fixture() {
        reset_fake_esp_mqtt();
        REQUIRE(events.begin());
        REQUIRE(client.begin());
        options.host = "broker";
        options.tls = false;
        options.username = "st-01";
    }

    Event next() {
        const auto event = events.take(kWaitMs);
        REQUIRE(event);
        return *event;
    }

    void connect() {
        REQUIRE(client.connect(options));
        CHECK(next().kind == EventKind::kMqttConnected);
    }

    int publish(const std::string& text, std::uint8_t qos = 1) {
        return client.publish("up", {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, qos,
                              false);
    }

    void wait_until_destroyed(int count) {
        for (int turn = 0; turn < 5'000 && fake_esp_mqtt().destroyed < count; ++turn)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        CHECK(fake_esp_mqtt().destroyed == count);
    }

    hal::MqttOptions options;
    esp::EventQueue events;
    FakeMulticast multicast;
    FixedRandom random;
    esp::EspMqttClient client{events, multicast, random, 4'096};
};

Fixture& start() { return *new Fixture; }

}  // namespace

TEST_CASE("a name server or a broker that does not answer holds up nobody") {
    Fixture& fixture = start();
    fake_esp_mqtt().connecting.close();
    REQUIRE(fixture.client.connect(fixture.options));
    fake_esp_mqtt().connecting.wait_for_somebody();
    fixture.client.disconnect();
    REQUIRE(fixture.client.connect(fixture.options));
    fixture.client.disconnect();
    REQUIRE(fixture.client.connect(fixture.options));
    CHECK(fake_esp_mqtt().connecting.holds_somebody());  // all that while the first one still connects
    CHECK(fake_esp_mqtt().destroyed == 0);
    fake_esp_mqtt().connecting.open();
    CHECK(fixture.next().kind == EventKind::kMqttConnected);
    CHECK_FALSE(fixture.events.take(200));  // of the one that is wanted, and of no other
    CHECK(fake_esp_mqtt().most_at_once == 1);
    CHECK_FALSE(fake_esp_mqtt().was_destroyed_while_running);
    fixture.client.disconnect();
    fixture.client.settle();
    CHECK(fake_esp_mqtt().destroyed == fake_esp_mqtt().begun);
}

TEST_CASE("a client whose task has not begun is not destroyed under it") {
    Fixture& fixture = start();
    fake_esp_mqtt().task_start.close();
    REQUIRE(fixture.client.connect(fixture.options));
    fake_esp_mqtt().task_start.wait_for_somebody();
    fixture.client.disconnect();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(fake_esp_mqtt().destroyed == 0);
    fake_esp_mqtt().task_start.open();
    fixture.wait_until_destroyed(1);
    CHECK_FALSE(fake_esp_mqtt().was_destroyed_while_running);
}

TEST_CASE("a write that takes long holds up nobody, and what was asked for meanwhile follows in order") {
    Fixture& fixture = start();
    fixture.connect();
    fake_esp_mqtt().enqueueing.close();
    CHECK(fixture.client.subscribe("down"));
    fake_esp_mqtt().enqueueing.wait_for_somebody();
    const int first = fixture.publish("one");
    const int second = fixture.publish("two");
    CHECK(fixture.publish("zero", 0) == hal::kMqttUntracked);
    CHECK(first > 0);
    CHECK(second > first);
    CHECK(fake_esp_mqtt().enqueueing.holds_somebody());
    fake_esp_mqtt().acknowledges_at_once = true;
    fake_esp_mqtt().enqueueing.open();
    CHECK(fixture.next().kind == EventKind::kMqttSubscribed);
    CHECK(fixture.next().token == first);
    CHECK(fixture.next().token == second);
    fixture.client.settle();
    CHECK(fake_esp_mqtt().log() == std::vector<std::string>{"subscribe down", "publish up one",
                                                            "publish up two", "publish up zero"});
    fixture.client.disconnect();
    fixture.client.settle();
}

TEST_CASE("it takes as many bytes as it was given room for, and more after a PUBACK") {
    Fixture& fixture = start();
    fixture.connect();
    CHECK(fixture.publish(std::string(5'000, 'x')) == hal::kMqttFull);
    const int token = fixture.publish(std::string(3'000, 'x'));
    CHECK(token > 0);
    CHECK(fixture.publish(std::string(3'000, 'x')) == hal::kMqttFull);
    fixture.client.settle();
    fake_esp_mqtt().acknowledge(101);
    CHECK(fixture.next().token == token);
    CHECK(fixture.publish(std::string(3'000, 'x')) > 0);
    fixture.client.settle();
    fake_esp_mqtt().acknowledge(102);
    fixture.next();
    for (std::size_t count = 0; count < esp::MqttConnection::kMostMessages; ++count) CHECK(fixture.publish("x") > 0);
    CHECK(fixture.publish("x") == hal::kMqttFull);
    fixture.client.disconnect();
    fixture.client.settle();
}

TEST_CASE("what was published before the end is sent before the end") {
    Fixture& fixture = start();
    fixture.connect();
    fake_esp_mqtt().acknowledges_at_once = true;
    CHECK(fixture.publish("offline") > 0);
    fixture.client.disconnect();
    fixture.client.settle();
    CHECK(fake_esp_mqtt().log() == std::vector<std::string>{"publish up offline", "stop"});
    CHECK_FALSE(fixture.client.subscribe("down"));
    CHECK(fixture.publish("late") == hal::kMqttFull);
}

TEST_CASE("the reason why there is no connection") {
    using hal::ConnectionLoss;
    struct Case {
        int connack;
        int flags;
        ConnectionLoss loss;
    };
    const Case cases[] = {
        {0, MBEDTLS_X509_BADCERT_NOT_TRUSTED, ConnectionLoss::kUntrusted},
        {0, MBEDTLS_X509_BADCERT_CN_MISMATCH, ConnectionLoss::kUntrusted},
        {0, MBEDTLS_X509_BADCERT_FUTURE, ConnectionLoss::kOutOfDate},
        {0, MBEDTLS_X509_BADCERT_EXPIRED, ConnectionLoss::kOutOfDate},
        {0, MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_NOT_TRUSTED, ConnectionLoss::kUntrusted},
        {MQTT_CONNECTION_REFUSE_BAD_USERNAME, 0, ConnectionLoss::kRefused},
        {MQTT_CONNECTION_REFUSE_NOT_AUTHORIZED, 0, ConnectionLoss::kRefused},
        {MQTT_CONNECTION_REFUSE_SERVER_UNAVAILABLE, 0, ConnectionLoss::kUnreachable},
    };
    Fixture& fixture = start();
    for (const Case& each : cases) {
        fake_esp_mqtt().connack = each.connack;
        fake_esp_mqtt().verify_flags = each.flags;
        REQUIRE(fixture.client.connect(fixture.options));
        const Event event = fixture.next();
        CHECK(event.kind == EventKind::kMqttDisconnected);
        CHECK(event.loss == each.loss);
        CHECK_FALSE(fixture.events.take(20));
    }
    fixture.options.tls = true;  // without a CA nothing is trusted
    REQUIRE(fixture.client.connect(fixture.options));
    CHECK(fixture.next().loss == ConnectionLoss::kUntrusted);
    fixture.client.disconnect();
    fixture.client.settle();
}

TEST_CASE("a subscription that fails ends the connection: it would hear nothing") {
    Fixture& fixture = start();
    fixture.connect();
    fake_esp_mqtt().can_subscribe = false;
    CHECK(fixture.client.subscribe("down"));
    CHECK(fixture.next().kind == EventKind::kMqttDisconnected);
    fixture.client.disconnect();
    fixture.client.settle();
}

TEST_CASE("what the broker says of each subscription is told") {
    Fixture& fixture = start();
    fixture.connect();
    for (const int granted : {0, 1, 2, 0x80, 0x87, 0}) {
        CAPTURE(granted);
        fake_esp_mqtt().suback = granted;
        CHECK(fixture.client.subscribe("down"));
        const Event event = fixture.next();
        CHECK(event.kind == EventKind::kMqttSubscribed);
        CHECK(event.is_granted == (granted < 0x80));
    }
    fixture.client.disconnect();
    fixture.client.settle();
}

TEST_CASE("esp-mqtt never sends a message twice on one connection") {
    Fixture& fixture = start();
    fixture.connect();
    CHECK(fake_esp_mqtt().retransmit_ms >= 300'000);
    fixture.client.disconnect();
    fixture.client.settle();
}

TEST_CASE("a broker that was found is called by its address, and must prove the name that was announced") {
    Fixture& fixture = start();
    fixture.options.host = hal::kAutoHost;
    fixture.options.tls = true;
    fixture.options.ca_pem = "ca";
    fixture.multicast.answers = [](std::uint16_t id) { return std::vector<Packet>{announced(id, "stetho", 9)}; };
    fixture.connect();
    CHECK(fake_esp_mqtt().where == "192.168.1.9:8883 as ward.local");
    fixture.client.disconnect();
    fixture.connect();
    CHECK(fixture.multicast.asked == 1);  // it worked: it is tried again
    fixture.options.host = "broker";
    fixture.connect();
    CHECK(fake_esp_mqtt().where == "broker:8883");
    fixture.client.disconnect();
    fixture.client.settle();
}

TEST_CASE("no broker is found: nothing is called") {
    Fixture& fixture = start();
    fixture.options.host = hal::kAutoHost;
    fixture.multicast.answers = [](std::uint16_t id) { return std::vector<Packet>{announced(id, "stetho", 9)}; };
    REQUIRE(fixture.client.connect(fixture.options));  // without TLS it is another service
    CHECK(fixture.next().loss == hal::ConnectionLoss::kNotFound);
    CHECK(fixture.multicast.asked == 3);
    CHECK(fake_esp_mqtt().begun == 0);
    fixture.client.disconnect();
    fixture.client.settle();
}

TEST_CASE("a search that takes long holds up nobody, and ends when it is not wanted any more") {
    Fixture& fixture = start();
    static TestGate searching;
    searching.close();
    fixture.options.host = hal::kAutoHost;
    fixture.multicast.on_receive = [] { searching.pass(); };
    REQUIRE(fixture.client.connect(fixture.options));
    searching.wait_for_somebody();
    fixture.client.disconnect();
    CHECK(fixture.client.publish("up", {}, 1, false) == hal::kMqttFull);
    searching.open();
    fixture.client.settle();
    CHECK(fixture.multicast.received == 1);
    CHECK_FALSE(fixture.events.take(20));
}
