#include "core/portal/network_list.h"

#include <algorithm>

namespace stetho {

void NetworkList::add(std::string_view ssid, std::int8_t rssi_dbm, bool has_password) {
    const bool is_hidden = std::all_of(ssid.begin(), ssid.end(), [](char letter) { return letter == 0; });
    if (is_hidden || ssid.size() > FixedString<32>::capacity()) return;
    for (std::size_t index = 0; index < count_; ++index) {
        if (networks_[index].ssid != ssid) continue;
        if (networks_[index].rssi_dbm >= rssi_dbm) return;
        remove(index);
        break;
    }
    std::size_t place = 0;
    while (place < count_ && networks_[place].rssi_dbm >= rssi_dbm) ++place;
    if (place == kMax) return;
    if (count_ < kMax) ++count_;
    for (std::size_t index = count_ - 1; index > place; --index) networks_[index] = networks_[index - 1];
    networks_[place].ssid = ssid;
    networks_[place].rssi_dbm = rssi_dbm;
    networks_[place].has_password = has_password;
}

void NetworkList::remove(std::size_t index) {
    for (; index + 1 < count_; ++index) networks_[index] = networks_[index + 1];
    --count_;
}

}  // namespace stetho
