// Battery at a pin of ADC1, behind a divider of two resistors, with the calibration that is burnt into the chip;
// optionally the open-drain output of a charger that is low while it charges.
#pragma once

#include "esp_adc/adc_cali.h"
#include "esp_adc/adc_oneshot.h"
#include "hal/battery.h"

namespace stetho::esp {

struct BatteryPins {
    int voltage;
    int charging;  // -1: not connected
};

class AdcBattery final : public hal::Battery {
  public:
    // `divider_permille`: thousandths of the pin's voltage that the battery has (2,000: two equal resistors).
    AdcBattery(BatteryPins pins, std::uint32_t divider_permille)
        : pins_(pins), divider_permille_(divider_permille) {}

    // False: not a pin of ADC1, or the chip is not calibrated; then there is no battery to be read.
    bool begin();

    std::optional<hal::BatteryReading> read() override;

  private:
    bool begin_channel();
    bool begin_calibration();

    BatteryPins pins_;
    std::uint32_t divider_permille_;
    adc_unit_t unit_id_ = ADC_UNIT_1;
    adc_channel_t channel_ = ADC_CHANNEL_0;
    adc_oneshot_unit_handle_t unit_ = nullptr;
    adc_cali_handle_t calibration_ = nullptr;  // null: not begun
};

}  // namespace stetho::esp
