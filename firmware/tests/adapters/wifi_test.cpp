// Wi-Fi of the board with a fake of ESP-IDF's: what it asks of the radio, and what it makes of its events.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "esp/wifi.h"

using namespace stetho;

wifi_ps_type_t power_saving = WIFI_PS_NONE;  // what the radio was told last

namespace {

// The radio as the adapter set it up.
struct Radio {
    wifi_config_t config{};
    wifi_mode_t mode = WIFI_MODE_NULL;
    int connects = 0;
    int scans = 0;
    bool is_on = false;
    esp_event_handler_t handler = nullptr;
    void* argument = nullptr;
};
Radio radio;
NetworkList listed;

void happens(esp_event_base_t base, std::int32_t id) { radio.handler(radio.argument, base, id, nullptr); }

struct Board {
    esp::EventQueue events;
    esp::Wifi wifi{events};

    Board() {
        radio = {};
        listed.clear();
        REQUIRE(events.begin());
        REQUIRE(wifi.begin());
    }

    bool is_told(EventKind kind) {
        const auto event = events.take(0);
        return event && event->kind == kind;
    }
};

}  // namespace

extern "C" {
esp_event_base_t const WIFI_EVENT = "WIFI_EVENT";
esp_event_base_t const IP_EVENT = "IP_EVENT";

esp_netif_t* esp_netif_create_default_wifi_sta() { return nullptr; }
esp_netif_t* esp_netif_create_default_wifi_ap() { return nullptr; }
esp_err_t esp_event_handler_register(esp_event_base_t, std::int32_t, esp_event_handler_t handler, void* argument) {
    radio.handler = handler;
    radio.argument = argument;
    return ESP_OK;
}
esp_err_t esp_wifi_init(const wifi_init_config_t*) { return ESP_OK; }
esp_err_t esp_wifi_set_storage(wifi_storage_t storage) { return storage == WIFI_STORAGE_RAM ? ESP_OK : ESP_FAIL; }
esp_err_t esp_wifi_set_mode(wifi_mode_t mode) {
    radio.mode = mode;
    return ESP_OK;
}
esp_err_t esp_wifi_set_config(wifi_interface_t, wifi_config_t* config) {
    radio.config = *config;
    return ESP_OK;
}
esp_err_t esp_wifi_set_ps(wifi_ps_type_t type) {
    power_saving = type;
    return ESP_OK;
}
esp_err_t esp_wifi_start() {
    radio.is_on = true;
    return ESP_OK;
}
esp_err_t esp_wifi_stop() {
    radio.is_on = false;
    return ESP_OK;
}
esp_err_t esp_wifi_connect() {
    ++radio.connects;
    return ESP_OK;
}
esp_err_t esp_wifi_scan_start(const wifi_scan_config_t*, bool) {
    ++radio.scans;
    return ESP_OK;
}
esp_err_t esp_wifi_scan_get_ap_records(std::uint16_t* number, wifi_ap_record_t* records) {
    const wifi_ap_record_t heard[] = {{"Ward 3", -71, WIFI_AUTH_WPA2_PSK}, {"Guests", -48, WIFI_AUTH_OPEN}};
    *number = static_cast<std::uint16_t>(std::min<std::size_t>(*number, std::size(heard)));
    std::copy_n(heard, *number, records);
    return ESP_OK;
}
esp_err_t esp_wifi_sta_get_ap_info(wifi_ap_record_t* record) {
    record->rssi = -61;
    return ESP_OK;
}
}

namespace stetho::esp {
ProvisioningServer::ProvisioningServer(EventQueue& events) : events_(events), lock_(nullptr) {}
bool ProvisioningServer::start(const hal::AccessPoint&) { return true; }
void ProvisioningServer::stop() {}
void ProvisioningServer::set_networks(const NetworkList& networks) { listed = networks; }
bool NameServer::start() { return true; }
}  // namespace stetho::esp

TEST_CASE("of several access points with one name the strongest is joined, with WPA2 or better where there is a password") {
    Board board;
    REQUIRE(board.wifi.join("Ward 3", "a secret of the ward"));
    const wifi_sta_config_t& station = radio.config.sta;
    CHECK(std::string(reinterpret_cast<const char*>(station.ssid)) == "Ward 3");
    CHECK(station.scan_method == WIFI_ALL_CHANNEL_SCAN);
    CHECK(station.sort_method == WIFI_CONNECT_AP_BY_SIGNAL);
    CHECK(station.threshold.authmode == WIFI_AUTH_WPA2_PSK);
    CHECK(station.sae_pwe_h2e == WPA3_SAE_PWE_BOTH);
    REQUIRE(board.wifi.join("Guests", ""));
    CHECK(radio.config.sta.threshold.authmode == WIFI_AUTH_OPEN);
    CHECK_FALSE(board.wifi.join("", ""));
    CHECK_FALSE(board.wifi.join(std::string(33, 'x'), ""));
    CHECK_FALSE(board.wifi.join("Ward 3", std::string(65, 'x')));
}

TEST_CASE("a network that is lost is told once, and joined again") {
    Board board;
    REQUIRE(board.wifi.join("Ward 3", ""));
    happens(WIFI_EVENT, WIFI_EVENT_STA_START);
    CHECK(radio.connects == 1);
    CHECK_FALSE(board.wifi.rssi_dbm());
    happens(IP_EVENT, IP_EVENT_STA_GOT_IP);
    CHECK(board.is_told(EventKind::kNetworkUp));
    CHECK(board.wifi.rssi_dbm() == -61);
    happens(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED);
    happens(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED);
    CHECK(radio.connects == 3);
    CHECK(board.is_told(EventKind::kNetworkDown));
    CHECK_FALSE(board.events.take(0));
    board.wifi.stop();
    happens(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED);
    CHECK(radio.connects == 3);
    CHECK_FALSE(radio.is_on);
}

TEST_CASE("the radio runs, and joins nothing, before the access point has a password") {
    Board board;
    REQUIRE(board.wifi.start_radio());
    CHECK(radio.is_on);
    happens(WIFI_EVENT, WIFI_EVENT_STA_START);
    CHECK(radio.connects == 0);
}

TEST_CASE("the access point has a password and one guest, and listens for networks beside it") {
    Board board;
    CHECK_FALSE(board.wifi.open_access_point({"stetho-new", "short", "", "", 0, ""}));
    REQUIRE(board.wifi.open_access_point({"stetho-new", "kopa-seni-7412", "", "", 0, ""}));
    CHECK(radio.mode == WIFI_MODE_APSTA);
    CHECK(radio.config.ap.authmode == WIFI_AUTH_WPA2_PSK);
    CHECK(radio.config.ap.max_connection == 1);
    CHECK(radio.scans == 1);
    CHECK_FALSE(board.wifi.heard());
    happens(WIFI_EVENT, WIFI_EVENT_SCAN_DONE);
    REQUIRE(board.wifi.heard());
    CHECK(board.wifi.heard()->count == 2);
    CHECK(board.wifi.heard()->strongest_dbm == -48);
    REQUIRE(listed.networks().size() == 2);
    CHECK(listed.networks()[0].ssid == "Guests");
    CHECK_FALSE(listed.networks()[0].has_password);
    CHECK(listed.networks()[1].has_password);
    CHECK(radio.connects == 0);
}
