#include "posix/event_queue.h"

namespace stetho::posix {

void EventQueue::post(const Event& event) {
    Item item{event, std::string(event.topic), {event.payload.begin(), event.payload.end()}};
    {
        const std::lock_guard lock(mutex_);
        items_.push_back(std::move(item));
    }
    is_there_.notify_one();
}

std::optional<Event> EventQueue::take(std::chrono::milliseconds wait) {
    std::unique_lock lock(mutex_);
    if (!is_there_.wait_for(lock, wait, [this] { return !items_.empty(); })) return std::nullopt;
    taken_ = std::move(items_.front());
    items_.pop_front();
    taken_.event.topic = taken_.topic;
    taken_.event.payload = taken_.payload;
    return taken_.event;
}

}  // namespace stetho::posix
