// Push button between a pin and ground, with the pull-up of the pin.
#pragma once

#include "driver/gpio.h"
#include "hal/button.h"

namespace stetho::esp {

class GpioButton final : public hal::Button {
  public:
    explicit GpioButton(int pin) : pin_(static_cast<gpio_num_t>(pin)) {}

    // False: the pin cannot be an input.
    bool begin() {
        gpio_config_t config{};
        config.pin_bit_mask = std::uint64_t{1} << static_cast<unsigned>(pin_);
        config.mode = GPIO_MODE_INPUT;
        config.pull_up_en = GPIO_PULLUP_ENABLE;
        config.pull_down_en = GPIO_PULLDOWN_DISABLE;
        config.intr_type = GPIO_INTR_DISABLE;
        return gpio_config(&config) == ESP_OK;
    }

    bool is_down() override { return gpio_get_level(pin_) == 0; }

  private:
    gpio_num_t pin_;
};

}  // namespace stetho::esp
