// The part of FreeRTOS that the adapters use, on threads of the host: a task is a detached thread that never
// ends, a tick is a tenth of its time.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "freertos/queue.h"
#include "freertos/semphr.h"
#include "freertos/task.h"

struct QueueDefinition {
    std::size_t length;
    std::size_t item_bytes;
    std::mutex mutex;
    std::condition_variable is_there;
    std::deque<std::vector<char>> items;
};

// What every task says that it has left of its stack.
std::atomic<std::size_t> stack_left = 1'000;

namespace {

std::atomic<TickType_t> ticks_now = 0;

// Returns the time of `ticks` of the stub's 10 ms, ten times as fast.
std::chrono::milliseconds time_of(TickType_t ticks) { return std::chrono::milliseconds(ticks); }

}  // namespace

extern "C" {

QueueHandle_t xQueueCreate(UBaseType_t length, UBaseType_t item_bytes) {
    return new QueueDefinition{length, item_bytes, {}, {}, {}};
}

UBaseType_t uxQueueSpacesAvailable(QueueHandle_t queue) {
    const std::lock_guard lock(queue->mutex);
    return static_cast<UBaseType_t>(queue->length - queue->items.size());
}

BaseType_t xQueueSend(QueueHandle_t queue, const void* item, TickType_t) {
    {
        const std::lock_guard lock(queue->mutex);
        if (queue->items.size() >= queue->length) return pdFALSE;
        const auto* bytes = static_cast<const char*>(item);
        queue->items.emplace_back(bytes, bytes + queue->item_bytes);
    }
    queue->is_there.notify_one();
    return pdTRUE;
}

BaseType_t xQueueReceive(QueueHandle_t queue, void* item, TickType_t ticks) {
    std::unique_lock lock(queue->mutex);
    const auto is_there = [queue] { return !queue->items.empty(); };
    if (ticks == portMAX_DELAY)
        queue->is_there.wait(lock, is_there);
    else if (!queue->is_there.wait_for(lock, time_of(ticks), is_there))
        return pdFALSE;
    std::memcpy(item, queue->items.front().data(), queue->item_bytes);
    queue->items.pop_front();
    return pdTRUE;
}

// A mutex is a queue whose one item is the right to go on.
SemaphoreHandle_t xSemaphoreCreateMutex() {
    const QueueHandle_t queue = xQueueCreate(1, 1);
    xSemaphoreGive(queue);
    return queue;
}

BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks) {
    char item = 0;
    return xQueueReceive(semaphore, &item, ticks);
}

BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore) {
    const char item = 0;
    return xQueueSend(semaphore, &item, 0);
}

BaseType_t xTaskCreatePinnedToCore(TaskFunction_t function, const char*, std::uint32_t, void* argument,
                                   UBaseType_t, TaskHandle_t*, BaseType_t) {
    std::thread(function, argument).detach();
    return pdPASS;
}

// A task that ends itself does nothing after that.
void vTaskDelete(TaskHandle_t) {}

UBaseType_t uxTaskGetStackHighWaterMark(TaskHandle_t) { return static_cast<UBaseType_t>(stack_left); }

TickType_t xTaskGetTickCount() { return ++ticks_now; }

void vTaskDelay(TickType_t ticks) { std::this_thread::sleep_for(time_of(ticks)); }
}
