// What the tasks have left of their stacks. Each task notes its own: one that ends is never looked at by another.
#pragma once

#include <cstddef>
#include <span>

#include "freertos/FreeRTOS.h"
#include "hal/system.h"
#include "hal/tasks.h"

namespace stetho::esp {

// Notes what the calling task has ever had left at least. `task`: its name; static. It takes a few microseconds for
// each KB that is left.
void note_stack(const char* task);

// The same for a loop, once a second.
class StackWatch {
  public:
    explicit StackWatch(const hal::Task& task) : task_(task.name) {}

    void look();

  private:
    const char* task_;
    TickType_t looked_at_ = 0;
};

// Writes what was noted, as far as it fits; any task. Returns the number of tasks.
std::size_t stacks_left(std::span<hal::StackLeft> out);

}  // namespace stetho::esp
