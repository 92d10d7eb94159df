// Battery of the board with a fake of ESP-IDF's converter: its voltage behind a divider, and whether it is charged.
#include <doctest/doctest.h>

#include "driver/gpio.h"
#include "esp/adc_battery.h"
#include "esp_adc/adc_cali_scheme.h"

using namespace stetho;

namespace {

struct Converter {
    adc_unit_t unit = ADC_UNIT_1;
    int millivolts = 1'900;
    bool fails = false;
    int charger_level = 1;
};
Converter converter;

}  // namespace

extern "C" {
esp_err_t adc_oneshot_io_to_channel(int, adc_unit_t* unit, adc_channel_t* channel) {
    *unit = converter.unit;
    *channel = {};
    return ESP_OK;
}
esp_err_t adc_oneshot_new_unit(const adc_oneshot_unit_init_cfg_t*, adc_oneshot_unit_handle_t* unit) {
    *unit = reinterpret_cast<adc_oneshot_unit_handle_t>(&converter);
    return ESP_OK;
}
esp_err_t adc_oneshot_config_channel(adc_oneshot_unit_handle_t, adc_channel_t, const adc_oneshot_chan_cfg_t*) {
    return ESP_OK;
}
esp_err_t adc_oneshot_read(adc_oneshot_unit_handle_t, adc_channel_t, int* raw) {
    *raw = 1'000;
    return converter.fails ? ESP_FAIL : ESP_OK;
}
esp_err_t adc_cali_create_scheme_curve_fitting(const adc_cali_curve_fitting_config_t*, adc_cali_handle_t* handle) {
    *handle = reinterpret_cast<adc_cali_handle_t>(&converter);
    return ESP_OK;
}
esp_err_t adc_cali_raw_to_voltage(adc_cali_handle_t, int, int* millivolts) {
    *millivolts = converter.millivolts;
    return ESP_OK;
}
esp_err_t gpio_config(const gpio_config_t*) { return ESP_OK; }
int gpio_get_level(gpio_num_t) { return converter.charger_level; }
}

TEST_CASE("the battery's voltage is that at the pin times the divider; the charger's output is low while it charges") {
    converter = {};
    esp::AdcBattery battery({4, 5}, 2'000);
    CHECK_FALSE(battery.read());
    REQUIRE(battery.begin());
    REQUIRE(battery.read());
    CHECK(battery.read()->millivolts == 3'800);
    CHECK(battery.read()->charging == hal::Charging::kNo);
    converter.charger_level = 0;
    CHECK(battery.read()->charging == hal::Charging::kYes);
    converter.fails = true;
    CHECK_FALSE(battery.read());
}

TEST_CASE("a pin of the converter that the radio needs is refused") {
    converter = {};
    converter.unit = ADC_UNIT_2;
    esp::AdcBattery battery({11, -1}, 2'000);
    CHECK_FALSE(battery.begin());
    CHECK_FALSE(battery.read());
}
