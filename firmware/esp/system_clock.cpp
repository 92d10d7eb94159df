#include "esp/system_clock.h"

#include <sys/time.h>

#include "esp_netif_sntp.h"
#include "esp_timer.h"

namespace stetho::esp {
namespace {

constexpr std::int64_t kEarliestValidTimeS = 1'735'689'600;  // 2025-01-01: the chip starts at 1970

EventQueue* event_queue = nullptr;

void post_clock_set(timeval*) { event_queue->post(Event::of(EventKind::kClockSet)); }

}  // namespace

void SystemClock::begin(EventQueue& events, const char* server) {
    if (event_queue != nullptr) {
        return;
    }
    event_queue = &events;
    esp_sntp_config_t config = ESP_NETIF_SNTP_DEFAULT_CONFIG(server);
    config.wait_for_sync = false;
    config.sync_cb = post_clock_set;
    esp_netif_sntp_init(&config);
}

std::uint64_t SystemClock::now_ms() { return static_cast<std::uint64_t>(esp_timer_get_time()) / 1000U; }

std::optional<std::int64_t> SystemClock::utc_ms() {
    timeval now{};
    if (gettimeofday(&now, nullptr) != 0 || now.tv_sec < kEarliestValidTimeS) {
        return std::nullopt;
    }
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_usec / 1000;
}

}  // namespace stetho::esp
