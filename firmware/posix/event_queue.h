// The one queue of the application's thread. Whoever posts leaves a copy of the bytes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/device/event.h"

namespace stetho::posix {

class EventQueue {
  public:
    void post(const Event& event);

    // Waits at most `wait`; what the event points at is valid until the next call.
    std::optional<Event> take(std::chrono::milliseconds wait);

  private:
    struct Item {
        Event event;
        std::string topic;
        std::vector<std::uint8_t> payload;
    };

    std::mutex mutex_;
    std::condition_variable is_there_;
    std::deque<Item> items_;
    Item taken_;
};

}  // namespace stetho::posix
