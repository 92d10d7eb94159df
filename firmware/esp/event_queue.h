// Event queue of the application task. Other tasks post events with a copy of their bytes.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "core/device/event.h"
#include "freertos/FreeRTOS.h"
#include "freertos/queue.h"

namespace stetho::esp {

class EventQueue {
  public:
    static constexpr UBaseType_t kLength = 48;
    static constexpr UBaseType_t kKeptFree =
        24;  // places for events without bytes: disconnects, PUBACKs, the button
    // Longest payload: a provisioning form with a CA certificate in it.
    static constexpr std::size_t kMaxPayloadBytes = 8192;

    // False: no memory.
    bool begin();

    // Posts an event from any task, without waiting. False: the queue or the memory is full; the event is
    // lost and counted.
    bool post(const Event& event);

    // Takes the next event, for the application task. Waits at most `wait_ms`. The bytes of the event are
    // valid until the next call.
    std::optional<Event> take(std::uint32_t wait_ms);

    // Returns the number of events that were lost since the start.
    std::uint32_t lost() const { return lost_.load(std::memory_order_relaxed); }

  private:
    struct Item {
        Event event;
        void* bytes;  // topic, then payload; freed by the queue
    };

    QueueHandle_t queue_ = nullptr;
    void* taken_ = nullptr;
    std::atomic<std::uint32_t> lost_{0};
};

}  // namespace stetho::esp
