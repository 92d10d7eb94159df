// The way to the broker's network: Wi-Fi station or access point, Ethernet, or what a Linux machine has.
//
// Ups and downs, and a provisioning form that somebody sent, arrive as events of the device.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace stetho::hal {

class Network {
  public:
    virtual ~Network() = default;

    // Joins a network and keeps trying until `stop`; does not wait. An empty password: an open network.
    // False: the adapter cannot even begin.
    virtual bool join(std::string_view ssid, std::string_view password) = 0;

    // Opens an access point (WPA2) with the provisioning form on http://192.168.4.1/. False: it cannot be
    // opened.
    virtual bool open_access_point(std::string_view ssid, std::string_view password) = 0;

    // Leaves the network, closes the access point.
    virtual void stop() = 0;

    virtual bool is_up() const = 0;

    // Strength of the signal, dBm; none where there is no radio or no network.
    virtual std::optional<std::int8_t> rssi_dbm() const = 0;
};

}  // namespace stetho::hal
