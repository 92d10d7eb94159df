// Time of day of the board with a fake of ESP-IDF's time client: whom it asks, and from when on the time is believed.
#include <doctest/doctest.h>

#include <sys/time.h>

#include <string>

#include "esp/system_clock.h"
#include "esp_netif_sntp.h"

using namespace stetho;

namespace {

esp_sntp_config_t asked{};
int starts = 0;

}  // namespace

extern "C" {
esp_err_t esp_netif_sntp_init(const esp_sntp_config_t* config) {
    asked = *config;
    return ESP_OK;
}
esp_err_t esp_netif_sntp_start() {
    ++starts;
    return ESP_OK;
}
}

TEST_CASE("the time server that the network names comes first, then the one that is set, after each address") {
    esp::EventQueue events;
    REQUIRE(events.begin());
    esp::SystemClock clock;
    clock.begin(events, "ntp.ward-3");
    CHECK(asked.server_from_dhcp);
    CHECK(asked.renew_servers_after_new_IP);
    CHECK(asked.ip_event_to_renew == IP_EVENT_STA_GOT_IP);
    CHECK(asked.index_of_first_server == 1);
    REQUIRE(asked.num_of_servers == 1);
    CHECK(std::string(asked.servers[0]) == "ntp.ward-3");
    CHECK_FALSE(asked.start);
    clock.ask();
    clock.ask();
    CHECK(starts == 1);
}

TEST_CASE("the time of day is unknown until a server has answered, however the clock stands") {
    esp::EventQueue events;
    REQUIRE(events.begin());
    esp::SystemClock clock;
    clock.begin(events, "ntp.ward-3");
    CHECK_FALSE(clock.utc_ms());
    timeval now{};
    gettimeofday(&now, nullptr);
    asked.sync_cb(&now);
    const auto event = events.take(0);
    REQUIRE(event);
    CHECK(event->kind == EventKind::kClockSet);
    REQUIRE(clock.utc_ms());
    CHECK(*clock.utc_ms() / 1'000 >= now.tv_sec);
}
