#include "esp/i2s_audio.h"

#include "driver/gpio.h"
#include "esp_attr.h"
#include "freertos/task.h"

namespace stetho::esp {
namespace {

// How long the capture task may be delayed: 186 ms at 44.1 kHz (32 kB), 256 ms at 16 kHz (16 kB). Writing to flash
// stops both processors: a page for up to 3 ms, also during a recording; an erase for 45 ms and more, never then. The
// driver's interrupt runs meanwhile (CONFIG_I2S_ISR_IRAM_SAFE); without that it would see only the last buffer.
constexpr std::uint32_t kDmaBuffers = 16;

std::uint32_t dma_frames(std::uint32_t rate_hz) { return rate_hz > 16'000 ? 512 : 256; }

constexpr std::uint32_t kReadWithinMs = 100;

i2s_std_clk_config_t clock_of(std::uint32_t rate_hz) {
    i2s_std_clk_config_t clock{};
    clock.sample_rate_hz = rate_hz;
    clock.clk_src = I2S_CLK_SRC_DEFAULT;
    clock.mclk_multiple = I2S_MCLK_MULTIPLE_256;
    return clock;
}

i2s_std_slot_config_t philips_left() {
    i2s_std_slot_config_t slot{};
    slot.data_bit_width = I2S_DATA_BIT_WIDTH_32BIT;
    slot.slot_bit_width = I2S_SLOT_BIT_WIDTH_AUTO;
    slot.slot_mode = I2S_SLOT_MODE_MONO;
    slot.slot_mask = I2S_STD_SLOT_LEFT;
    slot.ws_width = 32;
    slot.bit_shift = true;
    slot.left_align = true;
    return slot;
}

}  // namespace

bool I2sAudio::start(std::uint32_t rate_hz) {
    stop();
    xSemaphoreTake(mutex_, portMAX_DELAY);
    // The rate of a channel can be set only once, so another rate needs a new channel.
    if (channel_ != nullptr && rate_hz != this->rate_hz()) {
        i2s_del_channel(channel_);
        channel_ = nullptr;
    }
    is_running_ = (channel_ != nullptr || open(rate_hz)) && i2s_channel_enable(channel_) == ESP_OK;
    xSemaphoreGive(mutex_);
    return is_running_;
}

void I2sAudio::stop() {
    xSemaphoreTake(mutex_, portMAX_DELAY);
    if (is_running_) {
        i2s_channel_disable(channel_);
        is_running_ = false;
    }
    xSemaphoreGive(mutex_);
}

std::size_t I2sAudio::read(std::span<std::int32_t> slots) {
    std::size_t bytes = 0;
    xSemaphoreTake(mutex_, portMAX_DELAY);
    const bool is_running = is_running_;
    if (is_running) {
        i2s_channel_read(channel_, slots.data(), slots.size_bytes(), &bytes, kReadWithinMs);
    }
    xSemaphoreGive(mutex_);
    if (!is_running) {
        vTaskDelay(pdMS_TO_TICKS(kReadWithinMs));
    }
    return bytes / sizeof(std::int32_t);
}

bool I2sAudio::open(std::uint32_t rate_hz) {
    i2s_chan_config_t config{};
    config.id = I2S_NUM_AUTO;
    config.role = I2S_ROLE_MASTER;
    config.dma_desc_num = kDmaBuffers;
    config.dma_frame_num = dma_frames(rate_hz);
    if (i2s_new_channel(&config, nullptr, &channel_) != ESP_OK) {
        channel_ = nullptr;
        return false;
    }
    i2s_std_config_t standard{};
    standard.clk_cfg = clock_of(rate_hz);
    standard.slot_cfg = philips_left();
    standard.gpio_cfg.mclk = GPIO_NUM_NC;
    standard.gpio_cfg.bclk = static_cast<gpio_num_t>(pins_.sck);
    standard.gpio_cfg.ws = static_cast<gpio_num_t>(pins_.ws);
    standard.gpio_cfg.dout = GPIO_NUM_NC;
    standard.gpio_cfg.din = static_cast<gpio_num_t>(pins_.sd);
    i2s_event_callbacks_t callbacks{};
    callbacks.on_recv_q_ovf = on_overflow;
    if (i2s_channel_init_std_mode(channel_, &standard) != ESP_OK ||
        i2s_channel_register_event_callback(channel_, &callbacks, this) != ESP_OK) {
        i2s_del_channel(channel_);
        channel_ = nullptr;
        return false;
    }
    // Without a microphone the line would float, and its noise would pass for sound; so it reads zeros.
    gpio_set_pull_mode(standard.gpio_cfg.din, GPIO_PULLDOWN_ONLY);
    rate_hz_.store(rate_hz, std::memory_order_relaxed);
    return true;
}

bool IRAM_ATTR I2sAudio::on_overflow(i2s_chan_handle_t, i2s_event_data_t* event, void* context) {
    auto* audio = static_cast<I2sAudio*>(context);
    audio->lost_.fetch_add(static_cast<std::uint32_t>(event->size / sizeof(std::int32_t)),
                           std::memory_order_relaxed);
    return false;  // no task was woken
}

}  // namespace stetho::esp
