#include "esp/wifi.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "esp/stack_watch.h"
#include "esp_idf_version.h"
#include "esp_netif.h"
#include "esp_netif_types.h"

namespace stetho::esp {
namespace {

constexpr std::uint8_t kChannel = 6;
constexpr std::size_t kMinPasswordBytes = 8;  // WPA2

// Copies `text` as far as it fits; the rest stays zero. False: it does not fit.
template <std::size_t Capacity>
bool copy(std::string_view text, std::uint8_t (&into)[Capacity]) {
    std::copy_n(text.begin(), std::min(text.size(), Capacity), into);
    return text.size() <= Capacity;
}

// Returns a config of zeros. It is a union: `{}` would leave the tail of the longer member uninitialised.
wifi_config_t empty() {
    wifi_config_t config;
    std::memset(&config, 0, sizeof(config));
    return config;
}

// Has DHCP tell phones where the form is (option 114, RFC 8910), so that they need not look for the Internet first.
// Before the DHCP server starts, which keeps the pointer. Without it (5.3) they find the form by our name server.
void announce_form([[maybe_unused]] esp_netif_t* access_point) {
#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(5, 4, 0)
    esp_netif_dhcps_option(access_point, ESP_NETIF_OP_SET, ESP_NETIF_CAPTIVEPORTAL_URI,
                           const_cast<char*>(kPortalUrl.data()), kPortalUrl.size());
#endif
}

}  // namespace

bool Wifi::begin() {
    esp_netif_create_default_wifi_sta();
    announce_form(esp_netif_create_default_wifi_ap());
    const wifi_init_config_t config = WIFI_INIT_CONFIG_DEFAULT();
    return esp_wifi_init(&config) == ESP_OK && esp_wifi_set_storage(WIFI_STORAGE_RAM) == ESP_OK &&
           esp_event_handler_register(WIFI_EVENT, ESP_EVENT_ANY_ID, on_event, this) == ESP_OK &&
           esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, on_event, this) == ESP_OK;
}

bool Wifi::join(std::string_view ssid, std::string_view password) {
    stop();
    wifi_config_t config = empty();
    if (ssid.empty() || !copy(ssid, config.sta.ssid) || !copy(password, config.sta.password)) {
        return false;
    }
    // Of several access points with this name the strongest, not the first that is heard.
    config.sta.scan_method = WIFI_ALL_CHANNEL_SCAN;
    config.sta.sort_method = WIFI_CONNECT_AP_BY_SIGNAL;
    // With a password WPA2 or better; WPA3 in both of its forms. (Protected management frames are always on.)
    config.sta.threshold.authmode = password.empty() ? WIFI_AUTH_OPEN : WIFI_AUTH_WPA2_PSK;
    config.sta.sae_pwe_h2e = WPA3_SAE_PWE_BOTH;
    wants_station_ = true;
    // Without power saving a chunk is sent at once, not at the next beacon that the radio listens to.
    return esp_wifi_set_mode(WIFI_MODE_STA) == ESP_OK &&
           esp_wifi_set_config(WIFI_IF_STA, &config) == ESP_OK && esp_wifi_start() == ESP_OK &&
           esp_wifi_set_ps(WIFI_PS_NONE) == ESP_OK;
}

bool Wifi::start_radio() {
    wants_station_ = false;  // it joins nothing
    return esp_wifi_set_mode(WIFI_MODE_STA) == ESP_OK && esp_wifi_start() == ESP_OK;
}

bool Wifi::open_access_point(const hal::AccessPoint& access_point) {
    stop();
    wifi_config_t config = empty();
    if (access_point.password.size() < kMinPasswordBytes || !copy(access_point.ssid, config.ap.ssid) ||
        !copy(access_point.password, config.ap.password)) {
        return false;
    }
    config.ap.ssid_len = static_cast<std::uint8_t>(access_point.ssid.size());
    config.ap.channel = kChannel;
    config.ap.authmode = WIFI_AUTH_WPA2_PSK;
    config.ap.max_connection = 1;  // only the person who provisions it can join
    // A station beside it: only a station can listen for networks.
    const bool is_open = esp_wifi_set_mode(WIFI_MODE_APSTA) == ESP_OK &&
                         esp_wifi_set_config(WIFI_IF_AP, &config) == ESP_OK && esp_wifi_start() == ESP_OK &&
                         server_.start(access_point) && names_.start();
    if (is_open) {
        listen();
    }
    return is_open;
}

void Wifi::listen() {
    heard_ = -1;
    esp_wifi_scan_start(nullptr, false);  // refused while it listens already: then the end of that counts
}

std::optional<hal::HeardNetworks> Wifi::heard() const {
    const int count = heard_;
    if (count < 0) {
        return std::nullopt;
    }
    return hal::HeardNetworks{static_cast<std::uint8_t>(count), strongest_dbm_};
}

void Wifi::stop() {
    wants_station_ = false;
    server_.stop();
    names_.stop();
    esp_wifi_stop();
    is_up_ = false;
}

std::optional<std::int8_t> Wifi::rssi_dbm() const {
    wifi_ap_record_t record{};
    if (!is_up_ || esp_wifi_sta_get_ap_info(&record) != ESP_OK) {
        return std::nullopt;
    }
    return record.rssi;
}

void Wifi::on_event(void* self, esp_event_base_t base, std::int32_t id, void*) {
    auto* wifi = static_cast<Wifi*>(self);
    if (base == WIFI_EVENT) {
        wifi->handle_wifi_event(id);
    } else if (id == IP_EVENT_STA_GOT_IP || id == IP_EVENT_STA_LOST_IP) {
        wifi->set_up(id == IP_EVENT_STA_GOT_IP);
    }
    note_stack(hal::kEventTaskName);
}

void Wifi::handle_wifi_event(std::int32_t id) {
    if (id == WIFI_EVENT_STA_DISCONNECTED) {
        set_up(false);
    }
    if (id == WIFI_EVENT_SCAN_DONE && !wants_station_) {
        read_networks();
    }
    // An attempt takes seconds by itself (a scan), so the next one follows at once.
    if (wants_station_ && (id == WIFI_EVENT_STA_START || id == WIFI_EVENT_STA_DISCONNECTED)) {
        esp_wifi_connect();
    }
}

void Wifi::read_networks() {
    std::uint16_t count = static_cast<std::uint16_t>(records_.size());
    if (esp_wifi_scan_get_ap_records(&count, records_.data()) != ESP_OK) {
        return;
    }
    networks_.clear();
    std::int8_t strongest_dbm = INT8_MIN;
    for (const wifi_ap_record_t& record : std::span(records_).first(count)) {
        const auto* ssid = reinterpret_cast<const char*>(record.ssid);
        strongest_dbm = std::max(strongest_dbm, record.rssi);
        networks_.add({ssid, strnlen(ssid, sizeof(record.ssid))}, record.rssi, record.authmode != WIFI_AUTH_OPEN);
    }
    server_.set_networks(networks_);
    strongest_dbm_ = strongest_dbm;
    heard_ = count;
}

void Wifi::set_up(bool is_up) {
    if (wants_station_ && is_up_.exchange(is_up) != is_up) {
        events_.post(Event::of(is_up ? EventKind::kNetworkUp : EventKind::kNetworkDown));
    }
}

}  // namespace stetho::esp
