// Stub of driver/i2s_std.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <cstddef>
#include <cstdint>

#include <driver/gpio.h>
#include <esp_err.h>

struct i2s_channel_obj_t;
using i2s_chan_handle_t = i2s_channel_obj_t*;
enum i2s_port_t { I2S_NUM_0, I2S_NUM_1, I2S_NUM_AUTO };
enum i2s_role_t { I2S_ROLE_MASTER, I2S_ROLE_SLAVE };
enum i2s_data_bit_width_t { I2S_DATA_BIT_WIDTH_16BIT = 16, I2S_DATA_BIT_WIDTH_32BIT = 32 };
enum i2s_slot_bit_width_t { I2S_SLOT_BIT_WIDTH_AUTO = 0, I2S_SLOT_BIT_WIDTH_32BIT = 32 };
enum i2s_slot_mode_t { I2S_SLOT_MODE_MONO = 1, I2S_SLOT_MODE_STEREO };
enum i2s_std_slot_mask_t { I2S_STD_SLOT_LEFT = 1, I2S_STD_SLOT_RIGHT = 2, I2S_STD_SLOT_BOTH = 3 };
enum i2s_clock_src_t { I2S_CLK_SRC_DEFAULT = 4 };
enum i2s_mclk_multiple_t { I2S_MCLK_MULTIPLE_256 = 256 };

struct i2s_chan_config_t {
    i2s_port_t id;
    i2s_role_t role;
    std::uint32_t dma_desc_num;
    std::uint32_t dma_frame_num;
    union {
        bool auto_clear;
        bool auto_clear_after_cb;
    };
    bool auto_clear_before_cb;
    bool allow_pd;
    int intr_priority;
};
struct i2s_std_clk_config_t {
    std::uint32_t sample_rate_hz;
    i2s_clock_src_t clk_src;
    i2s_mclk_multiple_t mclk_multiple;
};
struct i2s_std_slot_config_t {
    i2s_data_bit_width_t data_bit_width;
    i2s_slot_bit_width_t slot_bit_width;
    i2s_slot_mode_t slot_mode;
    i2s_std_slot_mask_t slot_mask;
    std::uint32_t ws_width;
    bool ws_pol;
    bool bit_shift;
    bool left_align;
};
struct i2s_std_gpio_config_t {
    gpio_num_t mclk;
    gpio_num_t bclk;
    gpio_num_t ws;
    gpio_num_t dout;
    gpio_num_t din;
};
struct i2s_std_config_t {
    i2s_std_clk_config_t clk_cfg;
    i2s_std_slot_config_t slot_cfg;
    i2s_std_gpio_config_t gpio_cfg;
};
struct i2s_event_data_t {
    void* dma_buf;
    std::size_t size;
};
using i2s_isr_callback_t = bool (*)(i2s_chan_handle_t channel, i2s_event_data_t* event, void* context);
struct i2s_event_callbacks_t {
    i2s_isr_callback_t on_recv;
    i2s_isr_callback_t on_recv_q_ovf;
    i2s_isr_callback_t on_sent;
    i2s_isr_callback_t on_send_q_ovf;
};

extern "C" {
esp_err_t i2s_new_channel(const i2s_chan_config_t* config, i2s_chan_handle_t* transmit,
                          i2s_chan_handle_t* receive);
esp_err_t i2s_del_channel(i2s_chan_handle_t channel);
esp_err_t i2s_channel_init_std_mode(i2s_chan_handle_t channel, const i2s_std_config_t* config);
esp_err_t i2s_channel_register_event_callback(i2s_chan_handle_t channel,
                                              const i2s_event_callbacks_t* callbacks, void* context);
esp_err_t i2s_channel_enable(i2s_chan_handle_t channel);
esp_err_t i2s_channel_disable(i2s_chan_handle_t channel);
esp_err_t i2s_channel_read(i2s_chan_handle_t channel, void* into, std::size_t size, std::size_t* bytes_read,
                           std::uint32_t timeout_ms);
}
