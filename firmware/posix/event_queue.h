// Event queue of the application's thread. Other threads post events with a copy of their bytes.
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
    // Posts an event from any thread.
    void post(const Event& event);

    // Takes the next event. Waits at most `wait`; the bytes of the event are valid until the next call.
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
