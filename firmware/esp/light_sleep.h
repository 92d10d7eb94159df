// Light sleep of the chip between events (CONFIG_STETHO_SLEEP). One task.
//
// While the device is in use a lock keeps the processors at full speed, as without power management, and the radio on.
#pragma once

#include "esp_pm.h"

namespace stetho::esp {

class LightSleep {
  public:
    // Allows it, or not. Returns whether it is allowed: not while a computer is connected to the chip's USB, which
    // would lose it.
    bool allow(bool may);

  private:
    bool begin();

    esp_pm_lock_handle_t in_use_ = nullptr;
    bool has_begun_ = false;
    bool is_ready_ = false;
    bool is_allowed_ = false;
};

}  // namespace stetho::esp
