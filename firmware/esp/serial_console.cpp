#include "esp/serial_console.h"

#include <cstdio>

#include "esp/stack_watch.h"
#include "esp/task_watchdog.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "hal/tasks.h"

namespace stetho::esp {
namespace {

constexpr std::uint32_t kPressMs = 150;
constexpr std::uint32_t kHoldMs = 5000;
constexpr std::uint32_t kReadMs = 20;
constexpr int kPatience = 250;  // reads without a byte, 5 s, until a line that has begun is given up
constexpr std::string_view kSet = "set ";
constexpr std::string_view kTest = "test";

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

bool SerialConsole::begin() {
    return input_.begin() &&
           xTaskCreatePinnedToCore(run, hal::kSerialTask.name, hal::kSerialTask.stack_bytes, this,
                                   hal::kSerialTask.priority, nullptr, hal::kSerialTask.core) == pdPASS;
}

void SerialConsole::run(void* self) { static_cast<SerialConsole*>(self)->read(); }

// A line comes from one port: the others wait until it has ended.
void SerialConsole::read() {
    std::array<char, 128> bytes{};
    std::size_t port = 0;
    int idle = 0;
    TaskWatchdog watchdog;
    StackWatch stack(hal::kSerialTask);
    for (;;) {
        watchdog.feed();
        stack.look();
        const std::size_t count = input_.read(port, bytes, kReadMs);
        take({bytes.data(), count});
        idle = count > 0 ? 0 : idle + 1;
        if (idle > kPatience) {
            lines_.clear();
        }
        if (!lines_.is_within_line()) {
            port = (port + 1) % input_.ports();
        }
    }
}

void SerialConsole::take(std::string_view bytes) {
    for (const char letter : bytes) {
        const LineEvent event = lines_.take(letter);
        if (event == LineEvent::kTooLong) {
            std::printf("a line has at most %u characters; nothing of this one was taken\n",
                        static_cast<unsigned>(kMaxLineBytes));
        } else if (event == LineEvent::kLine && !lines_.line().empty()) {
            run_command(lines_.line());
        }
    }
}

void SerialConsole::run_command(std::string_view line) {
    if (line.starts_with(kSet)) {
        std::puts(events_.post(Event::provisioned(bytes_of(line.substr(kSet.size()))))
                      ? "taken; the display says how it went"
                      : "busy: type it again");
    } else if (line == kTest || line.starts_with("test ")) {
        if (!events_.post(Event::test(bytes_of(line.substr(kTest.size()))))) {
            std::puts("busy: type it again");
        }
    } else if (line == "crash") {
        core_dump_.print();
    } else if (line == "press") {
        press(kPressMs);
    } else if (line == "hold") {
        press(kHoldMs);
    } else {
        std::puts("set KEY=VALUE&KEY=VALUE... | press | hold | crash | test [ITEM] [--json]");
    }
}

void SerialConsole::press(std::uint32_t for_ms) {
    is_down_ = true;
    vTaskDelay(pdMS_TO_TICKS(for_ms));
    is_down_ = false;
}

}  // namespace stetho::esp
