// Ethernet of an emulated ESP32-S3 (OpenCores MAC), for CONFIG_STETHO_SIM. No board has it.
#pragma once

#include <atomic>

#include "esp/event_queue.h"
#include "hal/network.h"

namespace stetho::esp {

class OpenEth final : public hal::Network {
  public:
    explicit OpenEth(EventQueue& events) : events_(events) {}

    // False: no such hardware here.
    bool begin();

    // Joins the network; a cable ignores SSID and password.
    bool join(std::string_view ssid, std::string_view password) override;
    bool start_radio() override { return true; }
    bool has_access_point() const override { return false; }
    bool open_access_point(const hal::AccessPoint&) override { return false; }
    void stop() override;
    bool is_up() const override { return is_up_; }
    std::optional<std::int8_t> rssi_dbm() const override { return std::nullopt; }

  private:
    static void on_event(void* self, const char* base, std::int32_t id, void* data);

    EventQueue& events_;
    void* driver_ = nullptr;
    bool is_started_ = false;
    std::atomic<bool> is_up_{false};
};

}  // namespace stetho::esp
