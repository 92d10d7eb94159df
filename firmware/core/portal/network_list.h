// List of the Wi-Fi networks that the radio hears, as the form offers them. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/wire/fixed_string.h"

namespace stetho {

struct HeardNetwork {
    FixedString<32> ssid;  // any bytes: it need not be text
    std::int8_t rssi_dbm = 0;
    bool has_password = false;
};

class NetworkList {
  public:
    static constexpr std::size_t kMax = 16;

    // Adds a network. Of one name the strongest access point stays, of all names the strongest kMax; one that
    // hides its name is left out. The list is sorted by strength.
    void add(std::string_view ssid, std::int8_t rssi_dbm, bool has_password);
    void clear() { count_ = 0; }

    std::span<const HeardNetwork> networks() const { return {networks_.data(), count_}; }

  private:
    void remove(std::size_t index);

    std::array<HeardNetwork, kMax> networks_{};
    std::size_t count_ = 0;
};

}  // namespace stetho
