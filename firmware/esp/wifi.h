// Wi-Fi: station in a network, or access point with the provisioning form.
#pragma once

#include <array>
#include <atomic>

#include "esp/event_queue.h"
#include "esp/name_server.h"
#include "esp/provisioning_server.h"
#include "esp_event.h"
#include "esp_wifi.h"
#include "hal/network.h"

namespace stetho::esp {

class Wifi final : public hal::Network {
  public:
    explicit Wifi(EventQueue& events) : events_(events), server_(events) {}

    // Starts the driver, after the event loop and esp_netif. False: no memory.
    bool begin();

    bool join(std::string_view ssid, std::string_view password) override;
    bool start_radio() override;
    bool open_access_point(const hal::AccessPoint& access_point) override;
    void stop() override;
    void listen() override;
    std::optional<hal::HeardNetworks> heard() const override;
    bool is_up() const override { return is_up_; }
    std::optional<std::int8_t> rssi_dbm() const override;

  private:
    static void on_event(void* self, esp_event_base_t base, std::int32_t id, void* data);
    void handle_wifi_event(std::int32_t id);
    void set_up(bool is_up);
    void read_networks();

    EventQueue& events_;
    ProvisioningServer server_;
    NameServer names_;
    // Of the event task, whose stack is small.
    std::array<wifi_ap_record_t, NetworkList::kMax> records_{};
    NetworkList networks_;
    // What the form shows was heard; the count comes last: -1 until then.
    std::atomic<std::int8_t> strongest_dbm_{0};
    std::atomic<int> heard_{-1};
    std::atomic<bool> wants_station_{false};
    std::atomic<bool> is_up_{false};
};

}  // namespace stetho::esp
