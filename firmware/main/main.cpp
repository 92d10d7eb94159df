// Tasks of the stethoscope.
//
//   application  core 0: starts the board and the other two; then events, audio from the ring buffer, the button,
//                the clock → Device → esp-mqtt's outbox
//   capture      core 1, highest priority: microphone → Capture → RingBuffer; never waits for another task
//   display      core 0, lower priority: at most ten updates a second
//
// Everything large is static: stacks hold what a call needs and no more (hal/tasks.h has their sizes). Drivers,
// Wi-Fi, esp-mqtt, the provisioning form and the console have tasks of their own, which only post events. Each
// loop feeds its watchdog.
#include <array>
#include <atomic>
#include <cstdio>

#include "core/device/capture.h"
#include "core/device/device.h"
#include "core/storage/ring_buffer.h"
#include "esp/error_log.h"
#include "esp/stack_watch.h"
#include "esp/task_watchdog.h"
#include "esp_app_desc.h"
#include "esp_log.h"
#include "freertos/FreeRTOS.h"
#include "freertos/semphr.h"
#include "freertos/task.h"
#include "hal/tasks.h"
#include "main/board.h"
#include "main/memory.h"
#include "sdkconfig.h"

namespace stetho::board {
namespace {

constexpr const char* kTag = "stetho";
constexpr std::uint32_t kTurnMs = 10;
constexpr std::uint32_t kAsleepTurnMs = 50;  // a press lasts longer
constexpr std::uint32_t kRefreshMs = 100;
constexpr std::size_t kBlockSamples = 512;
#if CONFIG_SPIRAM
constexpr bool kWantsPsram = true;
#else
constexpr bool kWantsPsram = false;
#endif

// Returns a name such as "stetho 0.2.0"; static, as BuildInfo requires.
std::string_view firmware() {
    static FixedString<40> name = FixedString<40>("stetho ").append(esp_app_get_description()->version);
    return name;
}

// State that the tasks share. It lives as long as the device is on.
class Stethoscope {
  public:
    explicit Stethoscope(const Memory& memory)
        : board_(static_cast<std::uint32_t>(memory.outbox_bytes)),
          ring_(memory.ring),
          device_(memory.device,
                  {board_.audio, board_.mqtt, board_.network, board_.storage, board_.clock, board_.chip,
                   board_.ota, board_.chip, board_.battery, board_.flash},
                  {firmware(), memory.psram_bytes > 0 ? "esp32s3 psram" : "esp32s3",
                   kWantsPsram && memory.psram_bytes == 0, memory.psram_bytes}),
          picture_lock_(xSemaphoreCreateMutex()) {}

    // Starts the application task, which starts everything else: the stack of the main task is not for that.
    bool start() { return start(application, hal::kApplicationTask); }

  private:
    bool start(TaskFunction_t function, const hal::Task& task) {
        return xTaskCreatePinnedToCore(function, task.name, task.stack_bytes, this, task.priority, nullptr,
                                       task.core) == pdPASS;
    }

    bool begin() {
        if (!board_.begin()) {
            return false;
        }
        device_.begin();
        sample_rate_hz_ = device_.settings().sample_rate_hz;
        return start(capture, hal::kCaptureTask) && start(display, hal::kDisplayTask);
    }

    static void capture(void* self) { static_cast<Stethoscope*>(self)->capture_loop(); }
    static void application(void* self) { static_cast<Stethoscope*>(self)->application_loop(); }
    static void display(void* self) { static_cast<Stethoscope*>(self)->display_loop(); }

    void capture_loop() {
        std::uint32_t microphone_hz = 0;
        std::uint32_t sample_hz = 0;
        bool has_filter = false;
        esp::TaskWatchdog watchdog;
        esp::StackWatch stack(hal::kCaptureTask);
        for (;;) {
            watchdog.feed();
            stack.look();
            const std::size_t count = board_.audio.read(slots_);
            if (count == 0) {
                continue;
            }
            if (board_.audio.rate_hz() != microphone_hz || sample_rate_hz_ != sample_hz) {
                microphone_hz = board_.audio.rate_hz();
                sample_hz = sample_rate_hz_;
                has_filter = capture_.begin({microphone_hz, sample_hz, CONFIG_STETHO_MICROPHONE_GAIN});
            }
            if (!has_filter) {
                continue;
            }
            if (const std::uint32_t lost = board_.audio.take_lost(); lost > 0) {
                capture_.on_samples_lost(lost);
            }
            capture_.slots(std::span(slots_).first(count));
            microphone_state_.store(capture_.microphone(), std::memory_order_relaxed);
        }
    }

    void application_loop() {
        if (!begin()) {
            ESP_LOGE(kTag, "not enough memory to start");
            vTaskDelete(nullptr);
        }
        esp::TaskWatchdog watchdog;
        esp::StackWatch stack(hal::kApplicationTask);
        for (;;) {
            watchdog.feed();
            stack.look();
            const auto event = board_.events.take(device_.is_asleep() ? kAsleepTurnMs : kTurnMs);
            if (event && event->kind == EventKind::kNetworkUp) {
                board_.clock.ask();
            }
            if (event) {
                device_.on(*event);
            }
            read_button();
            read_audio();
            device_.tick();
            sample_rate_hz_.store(device_.settings().sample_rate_hz, std::memory_order_relaxed);
            publish_picture();
            print();
        }
    }

    // Prints what a line on the serial console asked for.
    void print() {
        if (const std::string_view text = device_.console(); !text.empty()) {
            std::printf("%.*s", static_cast<int>(text.size()), text.data());
            device_.printed();
        }
    }

    void read_button() {
        const bool is_down = board_.is_button_down();
        if (is_down != was_down_) {
            was_down_ = is_down;
            device_.on(Event::button(is_down));
        }
    }

    void read_audio() {
        for (;;) {
            const RingBuffer::ReadResult taken = ring_.read(block_);
            if (taken.count == 0 && taken.lost_before == 0) {
                return;
            }
            device_.on(Event::audio(std::span(block_).first(taken.count), taken.lost_before,
                                    microphone_state_.load(std::memory_order_relaxed)));
        }
    }

    // Copies the screen for the display task, unless that is copying now: then the next turn does.
    void publish_picture() {
        if (xSemaphoreTake(picture_lock_, 0) == pdTRUE) {
            picture_ = device_.canvas();
            screen_ = device_.screen();
            is_display_on_ = device_.is_display_on();
            xSemaphoreGive(picture_lock_);
        }
    }

    void display_loop() {
        esp::TaskWatchdog watchdog;
        esp::StackWatch stack(hal::kDisplayTask);
        for (;;) {
            watchdog.feed();
            stack.look();
            xSemaphoreTake(picture_lock_, portMAX_DELAY);
            shown_screen_ = screen_;
            shown_picture_ = picture_;
            [[maybe_unused]] const bool is_lit = is_display_on_;
            xSemaphoreGive(picture_lock_);
            board_.text_display.show(shown_screen_, board_.clock.now_ms());
#if !CONFIG_STETHO_SIM
            board_.display.set_power(is_lit);
            board_.display.show(shown_picture_, board_.clock.now_ms());  // writes only what differs
            report_display();
#endif
            vTaskDelay(pdMS_TO_TICKS(kRefreshMs));
        }
    }

#if !CONFIG_STETHO_SIM
    // Says, once each time, that the display went or came.
    void report_display() {
        const std::optional<bool> is_there = board_.display.is_there();
        if (is_there == was_there_ || !board_.events.post(Event::display(*is_there))) {
            return;
        }
        was_there_ = is_there;
        if (*is_there) {
            ESP_LOGI(kTag, "the display answers");
        } else {
            ESP_LOGW(kTag, "the display does not answer: check SDA, SCL, its power and its address");
        }
    }
#endif

    Board board_;
    RingBuffer ring_;
    Device device_;
    bool was_down_ = false;
    std::array<std::int16_t, kBlockSamples> block_{};
    std::atomic<std::uint32_t> sample_rate_hz_{44'100};
    std::atomic<MicrophoneState> microphone_state_{MicrophoneState::kOk};
    // Of the capture task:
    Capture capture_{ring_};
    std::array<std::int32_t, Capture::kBlock> slots_{};
    // Passed to the display task under the lock, and its own copies:
    SemaphoreHandle_t picture_lock_;
    Canvas picture_;
    Screen screen_;
    bool is_display_on_ = true;
    Canvas shown_picture_;
    Screen shown_screen_;
    std::optional<bool> was_there_;  // what was told of the display
};

}  // namespace
}  // namespace stetho::board

extern "C" void app_main() {
    using namespace stetho::board;
    stetho::esp::watch_log();
    const Memory memory = allocate_memory();
    ESP_LOGI(kTag, "recordings: %u samples, %s PSRAM", static_cast<unsigned>(memory.device.samples.size()),
             memory.psram_bytes > 0 ? "with" : "without");
    if (kWantsPsram && memory.psram_bytes == 0) {
        ESP_LOGW(kTag, "no PSRAM answers: a board with octal PSRAM (R8) needs CONFIG_SPIRAM_MODE_OCT=y (menuconfig)");
    }
    static Stethoscope stethoscope(memory);
    if (memory.ring.empty() || memory.device.samples.empty() || !stethoscope.start()) {
        ESP_LOGE(kTag, "not enough memory to start");
    }
}
