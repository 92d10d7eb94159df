#include "esp/openeth.h"

#include "esp/stack_watch.h"
#include "esp_eth.h"
#include "esp_event.h"
#include "esp_idf_version.h"
#include "esp_netif.h"
#if __has_include("esp_eth_mac_openeth.h")
#include "esp_eth_mac_openeth.h"  // from 5.4 on
#endif

namespace stetho::esp {
namespace {

constexpr int kNegotiateWithinMs = 100;  // the emulated link is up at once

esp_eth_phy_t* make_phy() {
    eth_phy_config_t config = ETH_PHY_DEFAULT_CONFIG();
    config.autonego_timeout_ms = kNegotiateWithinMs;
    config.reset_gpio_num = -1;
    // The emulated PHY is a DP83848. From 6.0 on its driver is a component of its own, but one for any PHY can
    // be linked; before, that one is declared (from 5.4 on) and not linked.
#if ESP_IDF_VERSION >= ESP_IDF_VERSION_VAL(6, 0, 0)
    return esp_eth_phy_new_generic(&config);
#else
    return esp_eth_phy_new_dp83848(&config);
#endif
}

}  // namespace

bool OpenEth::begin() {
    const eth_mac_config_t mac_config = ETH_MAC_DEFAULT_CONFIG();
    esp_eth_mac_t* mac = esp_eth_mac_new_openeth(&mac_config);
    esp_eth_phy_t* phy = make_phy();
    if (mac == nullptr || phy == nullptr) {
        return false;
    }
    const esp_eth_config_t config = ETH_DEFAULT_CONFIG(mac, phy);
    const esp_netif_config_t netif_config = ESP_NETIF_DEFAULT_ETH();
    esp_netif_t* netif = esp_netif_new(&netif_config);
    return esp_eth_driver_install(&config, &driver_) == ESP_OK &&
           esp_netif_attach(netif, esp_eth_new_netif_glue(driver_)) == ESP_OK &&
           esp_event_handler_register(ETH_EVENT, ESP_EVENT_ANY_ID, on_event, this) == ESP_OK &&
           esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, on_event, this) == ESP_OK;
}

bool OpenEth::join(std::string_view, std::string_view) {
    if (!is_started_) {
        is_started_ = driver_ != nullptr && esp_eth_start(driver_) == ESP_OK;
    } else if (is_up_) {
        events_.post(Event::of(EventKind::kNetworkUp));  // it is still joined
    }
    return is_started_;
}

void OpenEth::stop() {
    if (is_started_) {
        esp_eth_stop(driver_);
    }
    is_started_ = false;
    is_up_ = false;
}

void OpenEth::on_event(void* self, esp_event_base_t base, std::int32_t id, void*) {
    auto* eth = static_cast<OpenEth*>(self);
    const bool is_up = base == IP_EVENT && id == IP_EVENT_ETH_GOT_IP;
    const bool is_down = base == ETH_EVENT && id == ETHERNET_EVENT_DISCONNECTED;
    if ((is_up || is_down) && eth->is_up_.exchange(is_up) != is_up) {
        eth->events_.post(Event::of(is_up ? EventKind::kNetworkUp : EventKind::kNetworkDown));
    }
    note_stack(hal::kEventTaskName);
}

}  // namespace stetho::esp
