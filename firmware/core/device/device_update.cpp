// Updates of the firmware over the air.
#include <algorithm>

#include "core/device/device.h"

namespace stetho {

void Device::on_ota(hal::OtaStep ota_step, std::uint8_t percent) {
    if (state() != State::kUpdating) return;
    update_percent_ = std::min<std::uint8_t>(percent, 100);
    is_stale_ = true;
    if (ota_step == hal::OtaStep::kFetching) return machine_.extend(now_ms_);
    if (ota_step == hal::OtaStep::kReady) return step(Signal::kUpdateReady);
    problem_ = Problem::kUpdateFailed;
    step(Signal::kUpdateFailed);
}

void Device::start_update() {
    update_percent_ = 0;
    if (battery_.state() != BatteryState::kOk) {  // it would fail while the flash is written
        update_url_.clear();
        problem_ = Problem::kBatteryLow;
        raised_ = Signal::kUpdateFailed;
        return;
    }
    const bool is_begun = hardware_.ota.start(update_url_, settings_.ca);
    update_url_.clear();
    if (is_begun) return;
    problem_ = Problem::kUpdateFailed;
    raised_ = Signal::kUpdateFailed;
}

}  // namespace stetho
