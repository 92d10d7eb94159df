#include "esp/serial_console.h"

#include <cstdio>
#include <string_view>

#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "hal/tasks.h"

namespace stetho::esp {
namespace {

constexpr std::uint32_t kPressMs = 150;
constexpr std::uint32_t kHoldMs = 5000;
constexpr std::uint32_t kIdleMs = 50;
constexpr std::string_view kSet = "set ";

}  // namespace

bool SerialConsole::begin() {
    return xTaskCreatePinnedToCore(run, hal::kSerialTask.name, hal::kSerialTask.stack_bytes, this,
                                   hal::kSerialTask.priority, nullptr, hal::kSerialTask.core) == pdPASS;
}

void SerialConsole::run(void* self) { static_cast<SerialConsole*>(self)->read(); }

void SerialConsole::read() {
    std::size_t length = 0;
    bool is_too_long = false;
    for (;;) {
        const int letter = std::getchar();
        if (letter == EOF) {  // the console does not block: nothing was typed
            std::clearerr(stdin);
            vTaskDelay(pdMS_TO_TICKS(kIdleMs));
        } else if (letter == '\r' || letter == '\n') {
            if (is_too_long) {
                std::puts("too long");
            } else if (length > 0) {
                run_command(line_.data(), length);
            }
            length = 0;
            is_too_long = false;
        } else if (length < line_.size()) {
            line_[length++] = static_cast<char>(letter);
        } else {
            is_too_long = true;
        }
    }
}

void SerialConsole::run_command(char* line, std::size_t length) {
    const std::string_view text(line, length);
    if (text.starts_with(kSet)) {
        const std::span form(reinterpret_cast<const std::uint8_t*>(line) + kSet.size(), length - kSet.size());
        std::puts(events_.post(Event::provisioned(form)) ? "taken; the display says how it went" : "busy");
    } else if (text == "press") {
        press(kPressMs);
    } else if (text == "hold") {
        press(kHoldMs);
    } else {
        std::puts("set KEY=VALUE&KEY=VALUE... | press | hold");
    }
}

void SerialConsole::press(std::uint32_t for_ms) {
    is_down_ = true;
    vTaskDelay(pdMS_TO_TICKS(for_ms));
    is_down_ = false;
}

}  // namespace stetho::esp
