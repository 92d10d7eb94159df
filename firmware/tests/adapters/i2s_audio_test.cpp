// The I2S microphone with a fake of the driver: how its pins and buffers are set up, and what is lost.
#include <doctest/doctest.h>

#include <array>
#include <string>

#include "esp/i2s_audio.h"

using namespace stetho;

namespace {

struct Driver {
    std::string calls;  // a letter each: n(ew), i(nit), p(ull-down), d(elete)
    i2s_chan_config_t channel{};
    i2s_std_config_t standard{};
    i2s_event_callbacks_t callbacks{};
    void* context = nullptr;
    gpio_num_t pulled_down = GPIO_NUM_NC;
    bool is_running = false;
};
Driver driver;

constexpr esp::I2sPins kPins{12, 11, 10};

}  // namespace

extern "C" {
esp_err_t i2s_new_channel(const i2s_chan_config_t* config, i2s_chan_handle_t*, i2s_chan_handle_t* receive) {
    driver.calls += 'n';
    driver.channel = *config;
    *receive = reinterpret_cast<i2s_chan_handle_t>(&driver);
    return ESP_OK;
}
esp_err_t i2s_del_channel(i2s_chan_handle_t) {
    driver.calls += 'd';
    return ESP_OK;
}
esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t, const i2s_std_config_t* config) {
    driver.calls += 'i';
    driver.standard = *config;
    return ESP_OK;
}
esp_err_t i2s_channel_register_event_callback(i2s_chan_handle_t, const i2s_event_callbacks_t* callbacks,
                                              void* context) {
    driver.callbacks = *callbacks;
    driver.context = context;
    return ESP_OK;
}
esp_err_t i2s_channel_enable(i2s_chan_handle_t) {
    driver.is_running = true;
    return ESP_OK;
}
esp_err_t i2s_channel_disable(i2s_chan_handle_t) {
    driver.is_running = false;
    return ESP_OK;
}
esp_err_t i2s_channel_read(i2s_chan_handle_t, void*, std::size_t size, std::size_t* bytes_read, std::uint32_t) {
    *bytes_read = size;
    return ESP_OK;
}
esp_err_t gpio_set_pull_mode(gpio_num_t pin, gpio_pull_mode_t pull) {
    driver.calls += 'p';
    driver.pulled_down = pull == GPIO_PULLDOWN_ONLY ? pin : GPIO_NUM_NC;
    return ESP_OK;
}
}

TEST_CASE("an unplugged microphone reads zeros: SD is pulled down after the driver has set its pins up") {
    driver = {};
    esp::I2sAudio audio(kPins);
    REQUIRE(audio.start(44'100));
    CHECK(driver.calls == "nip");
    CHECK(driver.pulled_down == kPins.sd);
    CHECK(driver.standard.gpio_cfg.din == kPins.sd);
    CHECK(driver.standard.gpio_cfg.bclk == kPins.sck);
    CHECK(driver.standard.gpio_cfg.ws == kPins.ws);
    CHECK(driver.standard.slot_cfg.slot_mask == I2S_STD_SLOT_LEFT);
}

TEST_CASE("the buffers hold more than 150 ms at every rate; another rate is another channel") {
    driver = {};
    esp::I2sAudio audio(kPins);
    for (const std::uint32_t rate_hz : {44'100U, 16'000U}) {
        REQUIRE(audio.start(rate_hz));
        CHECK(driver.standard.clk_cfg.sample_rate_hz == rate_hz);
        CHECK(driver.channel.dma_desc_num * driver.channel.dma_frame_num * 1'000 / rate_hz > 150);
        CHECK(driver.channel.dma_frame_num * sizeof(std::int32_t) <= 4'092);  // a descriptor's most
    }
    CHECK(driver.calls == "nipdnip");
    REQUIRE(audio.start(16'000));
    CHECK(driver.calls == "nipdnip");
}

TEST_CASE("what the driver loses is counted; nothing is read while it is stopped") {
    driver = {};
    esp::I2sAudio audio(kPins);
    std::array<std::int32_t, 64> slots{};
    CHECK(audio.read(slots) == 0);
    REQUIRE(audio.start(16'000));
    CHECK(audio.read(slots) == slots.size());
    i2s_event_data_t lost{nullptr, 256 * sizeof(std::int32_t)};
    driver.callbacks.on_recv_q_ovf(nullptr, &lost, driver.context);
    CHECK(audio.take_lost() == 256);
    CHECK(audio.take_lost() == 0);
    audio.stop();
    CHECK_FALSE(driver.is_running);
    CHECK(audio.read(slots) == 0);
}
