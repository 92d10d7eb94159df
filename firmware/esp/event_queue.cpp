#include "esp/event_queue.h"

#include <algorithm>
#include <cstdlib>

namespace stetho::esp {

bool EventQueue::begin() {
    queue_ = xQueueCreate(kLength, sizeof(Item));
    return queue_ != nullptr;
}

bool EventQueue::post(const Event& event) {
    Item item{event, nullptr};
    const std::size_t bytes = event.topic.size() + event.payload.size();
    // Only messages can flood the queue from outside; the other events always have a place left.
    bool is_kept = bytes <= hal::kMaxTopicBytes + kMaxPayloadBytes &&
                   (bytes == 0 || uxQueueSpacesAvailable(queue_) > kKeptFree);
    if (is_kept && bytes > 0) {
        auto* copy = static_cast<std::uint8_t*>(std::malloc(bytes));
        is_kept = copy != nullptr;
        if (is_kept) {
            std::copy(event.topic.begin(), event.topic.end(), copy);
            std::copy(event.payload.begin(), event.payload.end(), copy + event.topic.size());
            item.bytes = copy;
            item.event.topic = {reinterpret_cast<const char*>(copy), event.topic.size()};
            item.event.payload = {copy + event.topic.size(), event.payload.size()};
        }
    }
    if (is_kept && xQueueSend(queue_, &item, 0) == pdTRUE) {
        return true;
    }
    std::free(item.bytes);
    lost_.fetch_add(1, std::memory_order_relaxed);
    return false;
}

std::optional<Event> EventQueue::take(std::uint32_t wait_ms) {
    std::free(taken_);
    taken_ = nullptr;
    Item item{};
    if (xQueueReceive(queue_, &item, pdMS_TO_TICKS(wait_ms)) != pdTRUE) {
        return std::nullopt;
    }
    taken_ = item.bytes;
    return item.event;
}

}  // namespace stetho::esp
