#include "esp/adc_battery.h"

#include "driver/gpio.h"
#include "esp_adc/adc_cali_scheme.h"

namespace stetho::esp {
namespace {

constexpr int kReads = 8;  // averaged, against noise

}  // namespace

bool AdcBattery::begin() {
    if (pins_.charging >= 0) {
        gpio_config_t config{};
        config.pin_bit_mask = std::uint64_t{1} << static_cast<unsigned>(pins_.charging);
        config.mode = GPIO_MODE_INPUT;
        config.pull_up_en = GPIO_PULLUP_ENABLE;
        config.pull_down_en = GPIO_PULLDOWN_DISABLE;
        config.intr_type = GPIO_INTR_DISABLE;
        gpio_config(&config);
    }
    return begin_channel() && begin_calibration();
}

bool AdcBattery::begin_channel() {
    // ADC2 is the radio's.
    if (adc_oneshot_io_to_channel(pins_.voltage, &unit_id_, &channel_) != ESP_OK || unit_id_ != ADC_UNIT_1) {
        return false;
    }
    adc_oneshot_unit_init_cfg_t unit{};
    unit.unit_id = unit_id_;
    unit.ulp_mode = ADC_ULP_MODE_DISABLE;
    adc_oneshot_chan_cfg_t channel{};
    channel.atten = ADC_ATTEN_DB_12;
    channel.bitwidth = ADC_BITWIDTH_DEFAULT;
    return adc_oneshot_new_unit(&unit, &unit_) == ESP_OK &&
           adc_oneshot_config_channel(unit_, channel_, &channel) == ESP_OK;
}

bool AdcBattery::begin_calibration() {
    adc_cali_curve_fitting_config_t config{};
    config.unit_id = unit_id_;
    config.chan = channel_;
    config.atten = ADC_ATTEN_DB_12;
    config.bitwidth = ADC_BITWIDTH_DEFAULT;
    return adc_cali_create_scheme_curve_fitting(&config, &calibration_) == ESP_OK;
}

std::optional<hal::BatteryReading> AdcBattery::read() {
    if (calibration_ == nullptr) {
        return std::nullopt;
    }
    std::uint32_t sum_mv = 0;
    for (int count = 0; count < kReads; ++count) {
        int raw = 0;
        int millivolts = 0;
        if (adc_oneshot_read(unit_, channel_, &raw) != ESP_OK ||
            adc_cali_raw_to_voltage(calibration_, raw, &millivolts) != ESP_OK || millivolts < 0) {
            return std::nullopt;
        }
        sum_mv += static_cast<std::uint32_t>(millivolts);
    }
    hal::BatteryReading reading;
    reading.millivolts = static_cast<std::uint16_t>(sum_mv / kReads * divider_permille_ / 1'000);
    if (pins_.charging >= 0) {
        const bool is_charging = gpio_get_level(static_cast<gpio_num_t>(pins_.charging)) == 0;
        reading.charging = is_charging ? hal::Charging::kYes : hal::Charging::kNo;
    }
    return reading;
}

}  // namespace stetho::esp
