#include "esp/stack_watch.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "freertos/task.h"

namespace stetho::esp {
namespace {

constexpr std::uint32_t kLookMs = 1'000;

struct Note {
    std::atomic<const char*> task{nullptr};
    std::atomic<std::uint32_t> bytes{UINT32_MAX};
};
std::array<Note, hal::kMostTasks> notes;

}  // namespace

void note_stack(const char* task) {
    const auto left = static_cast<std::uint32_t>(uxTaskGetStackHighWaterMark(nullptr));  // bytes, with ESP-IDF
    for (Note& note : notes) {
        const char* name = nullptr;
        if (note.task.compare_exchange_strong(name, task) || std::string_view(name) == task) {
            if (left < note.bytes) {  // only this task writes it; the next of its name has a new stack
                note.bytes = left;
            }
            return;
        }
    }
}

void StackWatch::look() {
    const TickType_t now = xTaskGetTickCount();
    if (looked_at_ == 0 || now - looked_at_ >= pdMS_TO_TICKS(kLookMs)) {
        looked_at_ = now;
        note_stack(task_);
    }
}

std::size_t stacks_left(std::span<hal::StackLeft> out) {
    std::size_t count = 0;
    for (const Note& note : notes) {
        const char* task = note.task;
        if (task == nullptr || count == out.size()) {
            break;
        }
        out[count++] = {task, note.bytes};
    }
    return count;
}

}  // namespace stetho::esp
