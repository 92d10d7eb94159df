// The one queue of the application task. Everything that happens elsewhere is posted here, with a copy of its
// bytes.
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
    static constexpr UBaseType_t kKeptFree = 24;  // for what carries no bytes: losses, receipts, the button
    // The longest payload that is taken: a provisioning form with a CA certificate in it.
    static constexpr std::size_t kMaxPayloadBytes = 8192;

    // False: no memory.
    bool begin();

    // From any task, waits for nothing. False: the queue or the memory is full; the event is lost and
    // counted.
    bool post(const Event& event);

    // For the application task. Waits at most `wait_ms`; what the event points at is valid until the next
    // call.
    std::optional<Event> take(std::uint32_t wait_ms);

    // Events that were lost since the start.
    std::uint32_t lost() const { return lost_.load(std::memory_order_relaxed); }

  private:
    struct Item {
        Event event;
        void* bytes;  // topic, then payload; ours to free
    };

    QueueHandle_t queue_ = nullptr;
    void* taken_ = nullptr;
    std::atomic<std::uint32_t> lost_{0};
};

}  // namespace stetho::esp
