// Writers of the JSON messages that a device publishes (docs/protocol.md, "Topics" and META). Each function
// writes to `out` and returns the length; 0: `out` is too small. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/wire/bytes.h"
#include "hal/system.h"

namespace stetho {

inline constexpr std::size_t kMaxMessageBytes = 512;     // enough `out` for every message but telemetry
inline constexpr std::size_t kMaxTelemetryBytes = 1'024;  // enough for that
inline constexpr std::size_t kMaxErrorBytes = 80;         // of the log's last error

enum class DeviceState : std::uint8_t { kOnline, kRecording, kOffline, kLost };

// Writes `up/state`, or the will (`kLost`). `boot`: random per start of the device.
// `is_safe_mode`: it only takes settings and updates.
std::size_t write_state(DeviceState state, std::uint32_t boot, WritableBytes out, bool is_safe_mode = false);

struct Meta {
    std::optional<std::int64_t> captured_unix_ms =
        {};                           // of the first sample; nothing if the device does not know the time
    std::string_view models = {};     // names, separated by commas; empty for the worker's default
    std::string_view site = {};       // AV, PV, TV, MV or at most 16 characters; empty: not given
    std::uint16_t amplification = 1;  // 1..100; 1 is not written
    std::optional<std::uint32_t> boot = {};
    std::optional<std::uint64_t> uptime_ms = {};  // of the device, at the first sample
    std::optional<std::uint8_t> battery_percent = {};  // at the first sample; nothing: there is none
    bool is_cut_off = false;  // it lost power while it recorded
};

// Writes the body of a META chunk.
std::size_t write_meta(const Meta& meta, WritableBytes out);

struct Info {
    std::string_view firmware = {};  // such as "stetho 0.2.0"
    std::string_view hardware = {};  // such as "esp32s3"
    std::uint32_t sample_rate_hz = 0;
    std::uint32_t buffer_bytes = 0;  // memory for recordings
    std::uint32_t flash_bytes = 0;   // flash for recordings
    bool has_battery = false;        // telemetry has its level
    std::string_view crash = {};     // where it crashed, if that is why it started; empty: it is not
    bool lacks_psram = false;        // it should have external memory, and none was found
    bool is_safe_mode = false;       // its last starts crashed
};

// Writes `up/info`.
std::size_t write_info(const Info& info, WritableBytes out);

struct Telemetry {
    std::optional<std::int8_t> rssi_dbm = {};
    std::optional<std::uint32_t> free_heap_bytes = {};
    std::uint64_t uptime_ms = 0;
    std::uint32_t samples_dropped = 0;   // since start
    std::uint32_t recordings_kept = 0;   // not stored by the worker yet
    std::uint32_t recordings_in_flash = 0;  // of these: they survive power-off
    std::string_view reset_reason = {};  // such as "power", "panic", "watchdog"
    std::string_view microphone = {};    // "ok", "silent", "stuck", "too loud"
    std::string_view display = {};       // "ok", "missing"
    std::optional<std::uint8_t> battery_percent = {};  // nothing: there is none
    std::optional<std::uint16_t> battery_mv = {};
    std::optional<bool> is_charging = {};
    std::span<const hal::StackLeft> stacks = {};
    std::string_view last_error = {};  // of the log since the start; empty: none
};

// Writes `up/telemetry`.
std::size_t write_telemetry(const Telemetry& telemetry, WritableBytes out);

// What a command came to.
struct CommandAnswer {
    std::string_view reason = {};    // of docs/protocol.md, "Commands"
    bool is_done = reason.empty();  // with a reason, too, where it is done later
};

// Writes `up/answer`. `id`: of the command.
std::size_t write_answer(std::string_view id, const CommandAnswer& answer, WritableBytes out);

}  // namespace stetho
