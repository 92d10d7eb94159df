// The stethoscope as one object: events go in, messages and screens come out. It owns no task, no lock and no
// large memory.
//
// Thread rules: one task (the application's) calls everything here. Audio reaches it from a `RingBuffer`;
// nothing that it does can delay the capture. Nothing here blocks, except writing settings and recordings to
// flash (core/device/recording_keeper.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/signal/battery_gauge.h"
#include "core/device/broker_connection.h"
#include "core/device/chunk_publisher.h"
#include "core/device/debouncer.h"
#include "core/device/event.h"
#include "core/device/factory_test.h"
#include "core/device/pending_results.h"
#include "core/device/recorder.h"
#include "core/device/recording_keeper.h"
#include "core/device/send_window.h"
#include "core/device/start_guard.h"
#include "core/device/state_machine.h"
#include "core/display/canvas.h"
#include "core/display/device_screen.h"
#include "core/signal/microphone_check.h"
#include "core/storage/recording_buffer.h"
#include "core/storage/settings.h"
#include "core/wire/command_reader.h"
#include "core/wire/control_reader.h"
#include "core/wire/live_reader.h"
#include "core/wire/result_reader.h"
#include "core/wire/topic.h"
#include "core/wire/worker_reader.h"
#include "hal/audio.h"
#include "hal/battery.h"
#include "hal/clock.h"
#include "hal/flash.h"
#include "hal/mqtt.h"
#include "hal/network.h"
#include "hal/ota.h"
#include "hal/random.h"
#include "hal/storage.h"
#include "hal/system.h"

namespace stetho {

// Memory of the device; all of it outlives the device.
struct DeviceMemory {
    std::span<std::int16_t> samples;   // for recordings; 2 bytes a sample
    std::span<std::uint16_t> links;    // samples.size() / RecordingBuffer::kBlockSamples
    std::span<std::int16_t> pre_roll;  // samples before the gate opens: 0.25 s; may be empty without a gate
    // For one chunk, and for the text of the settings when they are read or stored: 32 + 2 · chunk_samples, at
    // least hal::kMaxValueBytes; even address.
    std::span<std::uint8_t> message;
    std::uint32_t chunk_samples = 2'048;  // 8,192 with PSRAM
    std::size_t in_flight = 4;            // messages without PUBACK at once; 8 with PSRAM
};

// Interfaces to the hardware; all of it outlives the device.
struct Hardware {
    hal::AudioSource& audio;
    hal::Mqtt& mqtt;
    hal::Network& network;
    hal::Storage& storage;
    hal::Clock& clock;
    hal::Random& random;
    hal::Ota& ota;
    hal::System& system;
    hal::Battery& battery;
    hal::Flash& flash;  // for recordings
};

// Names of the firmware and of the board, as the device publishes them.
struct BuildInfo {
    std::string_view firmware;  // such as "stetho 0.2.0"
    std::string_view hardware;  // such as "esp32s3"
    bool lacks_psram = false;   // it was built for external memory, and found none
    std::uint32_t psram_bytes = 0;
};

class Device {
  public:
    Device(const DeviceMemory& memory, const Hardware& hardware, const BuildInfo& build_info);

    // Starts the device: reads the settings from storage, or takes `given` (the arguments of a Linux
    // program), which are not stored and outlive the device.
    void begin(const Settings* given = nullptr);

    // Handles one event.
    void on(const Event& event);

    // Does what is due by time. Call it at least every 20 ms, and after every batch of events.
    void tick();

    // Returns the pixels and the text of the display; show them while `is_display_on`.
    const Canvas& canvas() const { return canvas_; }
    const Screen& screen() const { return screen_; }
    bool is_display_on() const { return is_display_on_; }

    // Returns what is to be printed on the serial console, whole lines; clear it by `printed`.
    std::string_view console() const { return test_.output(); }
    void printed() { test_.printed(); }

    State state() const { return machine_.state(); }
    const Settings& settings() const { return settings_; }
    const SendWindow& window() const { return window_; }
    const RecordingBuffer& recordings() const { return buffer_; }
    const RecordingKeeper& keeper() const { return keeper_; }
    // Returns the last result that was shown; nothing: none yet.
    const std::optional<Result>& result() const { return result_; }
    bool is_online() const { return connection_.is_online(); }
    // Returns whether the chip may sleep: events may then come late, by 50 ms.
    bool is_asleep() const { return is_asleep_; }

    // Shuts down in order: publishes "offline" and disconnects. For programs that end; a stethoscope is just
    // switched off.
    void end();

  private:
    // device.cpp: events
    void on_button(ButtonPress kind);
    void on_subscribed(bool is_granted);
    void on_connection_lost();
    bool is_waiting() const;
    void measure_battery();

    // device_state.cpp: signals of the state machine, and its actions
    void step(Signal signal);
    void on_state_left(State before);
    void run_actions(Action actions);
    void apply_due_signals();
    std::optional<Signal> due_signal() const;
    void press();
    void fail(Problem problem, std::string_view detail = {});
    void restart();

    // device_sleep.cpp: sleep while the display is off
    bool may_sleep() const;
    void update_sleep();

    // device_clock.cpp: the time of day
    void start_clock();
    void store_time();

    // device_provisioning.cpp: the access point and the form
    void on_form(Bytes form);
    void refuse_form(Problem problem, std::string_view why);
    SettingsText settings_text() const;
    void open_portal();
    bool open_access_point();

    // device_update.cpp: new firmware
    void on_ota(hal::OtaStep step, std::uint8_t percent);
    void start_update();

    // device_recording.cpp: audio and recordings
    void on_audio(const Event& event);
    void make_room(std::size_t samples);
    void start_recording();
    void stop_recording();
    void end_recording();
    bool has_room() const;
    bool find_room();
    bool is_idle() const;
    std::uint32_t target_samples() const;
    void set_capture_times();
    void check_microphone();

    // device_message.cpp: messages from and to the broker
    void on_message(std::string_view topic, Bytes payload);
    void on_control(const Control& control);
    void on_rejected(const Control& control);
    void on_result(const Result& result);
    void erase_recording(std::uint64_t recording_id);
    void forget_recording(std::uint64_t recording_id);
    void publish_chunks();
    void publish_telemetry();

    // device_command.cpp: what people want it to do, and the answer
    void on_command(const Command& command);
    CommandAnswer obey(const Command& command);
    CommandAnswer obey_record(const Command& command);
    void publish_answer();

    // device_factory_test.cpp: the parts of the board, by a line on the serial console
    void on_test(std::string_view words);
    bool on_test_press(ButtonPress kind);
    void tick_test();
    void finish_test(TestVerdict verdict, std::string_view detail);
    void test_board();
    void test_microphone();
    void test_display();
    void test_button();
    void test_network();
    void test_radio();
    void test_flash();
    void test_psram();
    void test_battery();

    // device_display.cpp: the screen
    void update_display();
    Screen current_screen() const;
    Screen current_recording_screen() const;
    Screen current_test_screen() const;

    DeviceMemory memory_;
    Hardware hardware_;
    BuildInfo build_info_;
    const Settings* given_ = nullptr;
    Settings settings_;
    Settings wanted_;  // of a form, until all of it is known to be valid
    bool is_configured_ = false;
    std::uint32_t boot_ = 0;
    std::uint64_t now_ms_ = 0;

    StartGuard start_guard_;
    StateMachine machine_{0};
    std::optional<Signal> raised_;  // by an action or an event, to be applied next
    bool has_restarted_ = false;    // in a test: everything starts again
    Debouncer debouncer_;
    bool is_button_down_ = false;
    RecordingBuffer buffer_;
    SendWindow window_;
    PendingResults pending_results_;
    RecordingKeeper keeper_;
    Recorder recorder_;
    ChunkPublisher publisher_;
    BrokerConnection connection_;
    ReadyWorkers ready_workers_;

    std::optional<std::uint32_t> commanded_length_ms_;  // length of the next recording, by command
    bool is_commanded_stream_ = false;                  // the next recording is a stream, by command
    std::uint64_t recording_id_ = 0;                    // of the newest recording; 0: none yet
    std::uint32_t recording_samples_ = 0;               // its length in samples; 0: open
    bool is_stored_ = false;                            // the worker has stored the newest recording
    std::optional<Result> result_;
    bool is_result_seen_ = true;
    std::optional<Live> live_;
    std::uint64_t live_at_ms_ = 0;

    BatteryGauge battery_;
    std::uint64_t battery_at_ms_ = 0;  // of the next measurement
    MicrophoneState microphone_ = MicrophoneState::kOk;
    std::uint64_t audio_at_ms_ = 0;  // when the last samples came
    std::uint32_t samples_lost_ = 0;

    Problem problem_ = Problem::kNone;
    FixedString<21> problem_detail_;
    FixedString<32> portal_ssid_;
    FixedString<16> portal_password_;
    std::string_view portal_refused_;  // key of the setting that was wrong
    FixedString<36> command_id_;       // of the last command
    CommandAnswer answer_;             // to that
    bool is_answer_due_ = false;       // it is not published yet
    FixedString<160> update_url_;      // to be fetched when nothing is left to send; empty: none
    std::uint8_t update_percent_ = 0;
    bool wants_restart_ = false;  // restart when nothing is left to send
    bool is_on_trial_ = false;    // this firmware is new and not confirmed
    std::uint64_t begun_at_ms_ = 0;
    std::uint64_t telemetry_at_ms_ = 0;  // of the next telemetry
    std::uint64_t identify_until_ms_ = 0;

    struct TestLevel {
        std::uint16_t loudest = 0;
        std::uint16_t quietest = 0xFFFF;
    };
    FactoryTest test_;
    ButtonPress test_press_ = ButtonPress::kNone;  // the last one since the test began
    TestLevel test_level_;
    bool is_test_listening_ = false;
    bool is_test_shown_ = false;  // the test, or its verdict, is on the display

    Screen screen_;
    Canvas canvas_;
    bool is_display_on_ = true;
    bool is_asleep_ = false;
    std::optional<bool> is_display_there_;  // nothing: nobody has asked it yet
    std::uint64_t shown_at_ms_ = 0;
    bool is_stale_ = true;  // the screen must be redrawn
};

}  // namespace stetho
