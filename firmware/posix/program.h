// The stethoscope as a Linux program: a capture thread, a thread of the MQTT client, and the application's
// thread, as on the board.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "core/device/capture.h"
#include "core/device/device.h"
#include "core/storage/ring_buffer.h"
#include "posix/command_line.h"
#include "posix/console.h"
#include "posix/display.h"
#include "posix/event_queue.h"
#include "posix/file_flash.h"
#include "posix/file_storage.h"
#include "posix/host.h"
#include "posix/host_ota.h"
#include "posix/mosquitto_client.h"
#include "posix/scripted_button.h"
#include "posix/simulated_microphone.h"
#include "posix/task_thread.h"
#include "posix/wav.h"

namespace stetho::posix {

class Program {
  public:
    // Throws std::runtime_error when the arguments do not fit together.
    Program(Arguments arguments, Wav wav);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    // Runs until the end: of --once, by "quit" or by `stop`. Returns the exit status.
    int run();

    // Stops the program; safe in a signal handler.
    void stop() { is_stopped_ = true; }

  private:
    void capture();
    void run_device();
    void run_once();
    void handle_event(const Event& event);
    void read_audio();
    void run_command(const std::string& line);
    bool run_fault(const std::string& line);
    void set_battery(const std::string& words);
    void on_state_change();
    void show();
    void print();
    void check_once();
    void finish(int status, const char* why);
    void start_once();
    std::uint64_t timeout_ms() const { return std::uint64_t{arguments_.timeout_s} * 1000; }

    Arguments arguments_;
    EventQueue events_;
    HostClock clock_;
    HostRandom random_;
    HostOta ota_;
    std::string firmware_;
    HostSystem system_;
    HostBattery battery_;
    FileStorage storage_;
    FileFlash flash_;
    MosquittoClient mqtt_;
    HostNetwork network_;
    SimulatedMicrophone microphone_;
    Display display_;
    Console console_;

    std::vector<std::int16_t> ring_memory_;
    std::vector<std::int16_t> samples_;
    std::vector<std::uint16_t> links_;
    std::vector<std::int16_t> pre_roll_;
    std::vector<std::uint8_t> message_;
    std::vector<std::int16_t> block_;
    RingBuffer ring_;
    Capture capture_;  // of the capture thread
    std::atomic<std::uint32_t> sample_rate_hz_;
    std::atomic<MicrophoneState> microphone_state_{MicrophoneState::kOk};
    Device device_;
    TaskThread capture_task_{hal::kCaptureTask};
    TaskThread application_task_{hal::kApplicationTask};
    std::atomic<bool> is_capturing_{true};
    std::atomic<bool> is_stopped_{false};

    ScriptedButton button_;
    std::optional<bool> was_display_there_;
    State state_ = State::kBoot;
    std::uint64_t state_since_ms_ = 0;
    bool is_file_due_ = false;  // a recording has started, and the file has not
    std::string result_;        // the last compact result that arrived
    hal::ConnectionLoss loss_ = hal::ConnectionLoss::kUnreachable;
    bool was_online_ = false;
    bool is_begun_ = false;  // --once has pressed the button
    std::uint64_t begun_at_ms_ = 0;  // in real time
    std::optional<int> exit_status_;
};

}  // namespace stetho::posix
