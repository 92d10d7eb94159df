// I2S microphone of the INMP441 kind: standard Philips frames, 24 bits in 32-bit slots, the left slot (L/R
// low).
//
// `start` and `stop` wait for a `read` in progress, at most 100 ms.
#pragma once

#include <atomic>

#include "driver/i2s_std.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "hal/audio.h"

namespace stetho::esp {

struct I2sPins {
    int sck;
    int ws;
    int sd;
};

class I2sAudio final : public hal::AudioSource {
  public:
    explicit I2sAudio(I2sPins pins) : pins_(pins), mutex_(xSemaphoreCreateMutex()) {}

    bool start(std::uint32_t rate_hz) override;
    void stop() override;
    std::uint32_t rate_hz() const override { return rate_hz_.load(std::memory_order_relaxed); }
    std::size_t read(std::span<std::int32_t> slots) override;
    std::uint32_t take_lost() override { return lost_.exchange(0, std::memory_order_relaxed); }

  private:
    bool open(std::uint32_t rate_hz);
    static bool on_overflow(i2s_chan_handle_t channel, i2s_event_data_t* event, void* context);

    I2sPins pins_;
    SemaphoreHandle_t mutex_;
    i2s_chan_handle_t channel_ = nullptr;  // created at the first start, kept
    bool is_running_ = false;
    std::atomic<std::uint32_t> rate_hz_{0};
    std::atomic<std::uint32_t> lost_{0};
};

}  // namespace stetho::esp
