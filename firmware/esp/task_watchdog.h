// Watchdog of the task that makes it: the task must feed it every few seconds, or the device restarts and says in
// which task it hung (CONFIG_ESP_TASK_WDT_TIMEOUT_S). What a task of ours waits for has a shorter limit of its own.
#pragma once

#include "esp_task_wdt.h"

namespace stetho::esp {

class TaskWatchdog {
  public:
    TaskWatchdog() { esp_task_wdt_add(nullptr); }
    ~TaskWatchdog() { esp_task_wdt_delete(nullptr); }
    TaskWatchdog(const TaskWatchdog&) = delete;
    TaskWatchdog& operator=(const TaskWatchdog&) = delete;

    void feed() { esp_task_wdt_reset(); }
};

}  // namespace stetho::esp
