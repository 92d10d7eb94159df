#include "esp/system_clock.h"

#include <sys/time.h>

#include "esp/stack_watch.h"
#include "esp_attr.h"
#include "esp_netif_sntp.h"
#include "esp_netif_types.h"
#include "esp_timer.h"
#include "sdkconfig.h"

namespace stetho::esp {
namespace {

constexpr std::int64_t kEarliestValidTimeS = 1'735'689'600;  // 2025-01-01: the chip starts at 1970

EventQueue* event_queue = nullptr;

// Says that the chip's clock was set by a time server. Like that clock it survives a restart, but not a loss of
// power, after which it is random.
constexpr std::uint32_t kIsTrue = 0x7ae5'c10c;
RTC_NOINIT_ATTR std::uint32_t time_mark;

void on_time_set(timeval*) {
    time_mark = kIsTrue;
    event_queue->post(Event::of(EventKind::kClockSet));
    note_stack(hal::kTcpipTaskName);
}

}  // namespace

void SystemClock::begin(EventQueue& events, const char* server) {
    event_queue = &events;
    esp_sntp_config_t config = ESP_NETIF_SNTP_DEFAULT_CONFIG(server);
    config.start = false;
    config.wait_for_sync = false;
    config.sync_cb = on_time_set;
    // The server of DHCP is number 0; ours, number 1, must be set again after each lease, which clears the list.
    config.server_from_dhcp = true;
    config.renew_servers_after_new_IP = true;
    config.index_of_first_server = 1;
#if CONFIG_STETHO_SIM
    config.ip_event_to_renew = IP_EVENT_ETH_GOT_IP;
#else
    config.ip_event_to_renew = IP_EVENT_STA_GOT_IP;
#endif
    esp_netif_sntp_init(&config);
}

void SystemClock::ask() {
    if (!is_asking_) {
        is_asking_ = esp_netif_sntp_start() == ESP_OK;
    }
}

std::uint64_t SystemClock::now_ms() { return static_cast<std::uint64_t>(esp_timer_get_time()) / 1000U; }

std::optional<std::int64_t> SystemClock::utc_ms() {
    timeval now{};
    if (time_mark != kIsTrue || gettimeofday(&now, nullptr) != 0 || now.tv_sec < kEarliestValidTimeS) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_usec / 1000;
}

void SystemClock::start_at(std::int64_t utc_ms) {
    timeval now{};
    gettimeofday(&now, nullptr);
    if (static_cast<std::int64_t>(now.tv_sec) >= utc_ms / 1000) {
        return;
    }
    time_mark = 0;
    now.tv_sec = static_cast<decltype(now.tv_sec)>(utc_ms / 1000);
    now.tv_usec = 0;
    settimeofday(&now, nullptr);
}

}  // namespace stetho::esp
