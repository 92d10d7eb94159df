// Interface to the network of the broker: Wi-Fi station or access point, Ethernet, or the network of a Linux
// machine.
//
// Changes of the network, and a provisioning form that a person sent, arrive as events of the device.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace stetho::hal {

// Access point with the provisioning form.
struct AccessPoint {
    std::string_view ssid;
    std::string_view password;  // WPA2
    // What the form shows of the settings there are.
    std::string_view wifi_ssid;
    std::string_view host;
    std::uint16_t port = 0;
    std::string_view device_id;
};

// Access points that the radio hears.
struct HeardNetworks {
    std::uint8_t count = 0;
    std::int8_t strongest_dbm = 0;  // where there is one
};

class Network {
  public:
    virtual ~Network() = default;

    // Joins a network and keeps trying until `stop`; does not wait. An empty password: an open network.
    // False: the adapter cannot even start.
    virtual bool join(std::string_view ssid, std::string_view password) = 0;

    // Starts the radio, from whose noise the chip makes its random numbers. Does nothing if there is none.
    // False: it cannot be started.
    virtual bool start_radio() = 0;

    // Returns whether there can be an access point. If not, settings come by the serial console alone.
    virtual bool has_access_point() const { return true; }

    // Opens an access point with the provisioning form on http://192.168.4.1/; the strings are copied. False:
    // it cannot be opened.
    virtual bool open_access_point(const AccessPoint& access_point) = 0;

    // Begins to listen for networks, beside the access point; does not wait. Does nothing if there is no radio.
    virtual void listen() {}

    // Returns what was heard since `listen`; nothing: that is not over yet.
    virtual std::optional<HeardNetworks> heard() const { return std::nullopt; }

    // Leaves the network, closes the access point.
    virtual void stop() = 0;

    virtual bool is_up() const = 0;

    // Returns the signal strength, dBm; nothing without a radio or a network.
    virtual std::optional<std::int8_t> rssi_dbm() const = 0;
};

}  // namespace stetho::hal
