#include "esp/synthetic_audio.h"

#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

namespace stetho::esp {
namespace {

constexpr std::uint32_t kIdleMs = 100;
constexpr std::uint32_t kTickMs = 10;

}  // namespace

bool SyntheticAudio::start(std::uint32_t rate_hz) {
    rate_hz_ = rate_hz;
    return rate_hz > 0;
}

std::size_t SyntheticAudio::read(std::span<std::int32_t> slots) {
    const std::uint32_t rate = rate_hz_;
    if (rate == 0) {
        vTaskDelay(pdMS_TO_TICKS(kIdleMs));
        return 0;
    }
    if (rate != heart_hz_) {
        heart_.emplace(rate, bpm_);
        heart_hz_ = rate;
        began_us_ = esp_timer_get_time();
        given_ = 0;
    }
    const std::uint64_t wanted = given_ + slots.size();
    while (static_cast<std::uint64_t>(esp_timer_get_time() - began_us_) * rate < wanted * 1'000'000U) {
        vTaskDelay(pdMS_TO_TICKS(kTickMs));
    }
    heart_->fill(slots);
    given_ = wanted;
    return slots.size();
}

}  // namespace stetho::esp
