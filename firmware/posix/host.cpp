#include "posix/host.h"

#include <unistd.h>

#include <algorithm>
#include <limits>

namespace stetho::posix {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::uint64_t HostClock::now_ms() {
    const auto passed = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began_);
    return skipped_ms_ + static_cast<std::uint64_t>(passed.count() * pace_);
}

std::uint64_t HostClock::real_ms() const {
    return static_cast<std::uint64_t>(duration_cast<milliseconds>(std::chrono::steady_clock::now() - began_).count());
}

std::optional<std::int64_t> HostClock::utc_ms() {
    if (!is_known()) return std::nullopt;
    return duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool HostNetwork::join(std::string_view, std::string_view) {
    is_joined_ = true;
    if (is_plugged_) events_.post(Event::of(EventKind::kNetworkUp));
    return true;
}

// Without the cable the radio is deaf, too.
std::optional<hal::HeardNetworks> HostNetwork::heard() const {
    const NetworkList list = made_up_networks();
    const auto networks = list.networks();
    if (!is_plugged_) return hal::HeardNetworks{};
    return hal::HeardNetworks{static_cast<std::uint8_t>(networks.size()), networks.front().rssi_dbm};
}

void HostNetwork::stop() {
    portal_.stop();
    is_joined_ = false;
}

void HostNetwork::plug(bool is_plugged) {
    if (is_plugged == is_plugged_) return;
    is_plugged_ = is_plugged;
    client_.plug(is_plugged);
    if (is_joined_) events_.post(Event::of(is_plugged ? EventKind::kNetworkUp : EventKind::kNetworkDown));
}

std::uint32_t HostSystem::free_heap_bytes() {
    const auto bytes = static_cast<std::uint64_t>(sysconf(_SC_AVPHYS_PAGES)) *
                       static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(bytes, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace stetho::posix
