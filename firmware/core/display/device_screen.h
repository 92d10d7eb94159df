// Screens of the device as pure functions: status in, rows of text out. No state: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/display/screen.h"
#include "core/signal/battery_gauge.h"
#include "core/signal/microphone_check.h"
#include "hal/mqtt.h"

namespace stetho {

// Problem that a person must know of; its screen says what to do about it.
enum class Problem : std::uint8_t {
    kNone,
    kMicrophoneSilent,
    kMicrophoneStuck,
    kNoAudio,          // the microphone delivers no samples
    kMemoryFull,       // every recording in memory waits to be sent
    kBrokerRefused,    // wrong device id or password
    kBrokerUntrusted,  // the broker's certificate is not trusted
    kNotSaved,         // the storage refuses the settings
    kBadForm,          // the provisioning form is wrong
    kRejected,         // the worker refuses the recording
    kUpdateFailed,
    kNotStarted,    // access point or network cannot be started
    kBatteryEmpty,  // no recording would come to its end
    kBatteryLow,    // no update would
};

// Why there is no broker.
struct BrokerLoss {
    hal::ConnectionLoss loss = hal::ConnectionLoss::kUnreachable;
    bool has_time = true;  // the time of day is known
};

Screen boot_screen(std::string_view version);

// Returns the screen of the access point that waits for settings. `refused`: why the last form was refused,
// "" at first.
Screen provision_screen(std::string_view ssid, std::string_view password, std::string_view refused);

// Returns the screen of a device without an access point, which waits for settings on its serial console.
Screen console_screen(std::string_view refused);

// Returns the screen of a device that should have external memory and found none.
Screen no_psram_screen();

// Returns the screen while it connects. `host` is empty while the network is not up. `loss` is why the last
// attempt failed.
Screen connecting_screen(std::string_view network, std::string_view host, const BrokerLoss& loss);

struct ReadyStatus {
    std::string_view device_id;
    bool has_analyser = false;
    bool is_listening = false;  // the gate is on: sound starts a recording
    std::size_t unsent = 0;     // recordings in memory
    MicrophoneState microphone = MicrophoneState::kOk;
    BatteryState battery = BatteryState::kOk;
};
Screen ready_screen(const ReadyStatus& status);

struct RecordingStatus {
    std::uint32_t elapsed_ms = 0;
    std::uint32_t total_ms = 0;  // 0: a stream
    std::uint16_t level = 0;     // rms in units of a sample, 0..32768
    std::optional<std::uint16_t> bpm;
    std::string_view hint;   // of the worker; empty: none arrived yet
    std::string_view label;  // live label of the worker; empty: none
    bool is_online = true;
    MicrophoneState microphone = MicrophoneState::kOk;
};
Screen recording_screen(const RecordingStatus& status);

Screen sending_screen(std::uint32_t done_chunks, std::uint32_t chunks, std::size_t waiting_recordings);
Screen waiting_screen(bool is_stored, bool has_analyser);

// Returns the screen without a broker: recordings are kept and sent later. `loss` counts only while the
// network is up.
Screen offline_screen(std::size_t unsent, bool is_network_up, const BrokerLoss& loss,
                      BatteryState battery);
Screen error_screen(Problem problem, std::string_view detail);
Screen updating_screen(std::uint8_t percent);

// Return the screens of the factory test: the part that is checked, and the verdict. `failed`: the first part
// that failed, "" if none did.
Screen test_screen(std::string_view item, bool wants_press);
Screen test_verdict_screen(std::string_view failed);
// Returns the screen of a device of which the last `failed` starts crashed, the last one by `reason`.
Screen safe_mode_screen(int failed, std::string_view reason);
Screen identify_screen(std::string_view device_id);

}  // namespace stetho
