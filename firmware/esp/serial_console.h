// Commands on the serial console, as events:
//
//   set host=192.168.1.20&device_id=st-01&password=…    like the provisioning form, same keys and encoding
//   press | hold                                        the button, briefly or for a long press
//   crash                                               what is known of the last crash
//   test [ITEM] [--json]                                the factory test (core/device/factory_test.h)
//
// Other lines print this list. Input is not echoed, since it may contain passwords.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <string_view>

#include "core/wire/line_reader.h"
#include "esp/core_dump.h"
#include "esp/event_queue.h"
#include "esp/serial_input.h"
#include "hal/button.h"

namespace stetho::esp {

// It is also a button, which is down for as long as a typed press lasts.
class SerialConsole final : public hal::Button {
  public:
    SerialConsole(EventQueue& events, const CoreDump& core_dump) : events_(events), core_dump_(core_dump) {}

    // Starts the task that reads. False: no memory, or no port.
    bool begin();

    bool is_down() override { return is_down_; }

  private:
    static void run(void* self);
    void read();
    void take(std::string_view bytes);
    void run_command(std::string_view line);
    void press(std::uint32_t for_ms);

    EventQueue& events_;
    const CoreDump& core_dump_;
    std::atomic<bool> is_down_{false};
    SerialInput input_;
    std::array<char, kMaxLineBytes> memory_{};
    LineReader lines_{memory_};
};

}  // namespace stetho::esp
