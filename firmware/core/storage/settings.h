// Settings of one device, read from storage and set by the provisioning form.
//
// They are stored as lines of `key=value`; the last line is `crc=` over the lines before it, so that a torn
// or worn memory is noticed. A form has `key=value` pairs between `&`. In both, `%0A` and the like stand for
// single bytes. No state: any thread. Settings are 2.4 KB, so they are filled in place and never returned: the
// stacks of a chip's tasks are small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/wire/fixed_string.h"
#include "hal/mqtt.h"
#include "hal/storage.h"

namespace stetho {

enum class Mode : std::uint8_t {
    kOnce,    // a press records `record_ms`; a second press ends it
    kStream,  // a press starts a stream, a second one ends it; it is analysed while it runs
    kGate,    // a sound above `gate_permille` starts a recording, quiet ends it (a press records as in kOnce)
};

struct Settings {
    FixedString<32> wifi_ssid;      // empty: no Wi-Fi (Ethernet, or a Linux machine)
    FixedString<63> wifi_password;  // 8..63 characters, or empty: an open network
    FixedString<64> host = hal::kAutoHost;  // of the broker, name or address; or it is looked for
    std::uint16_t port = 8883;
    bool tls = true;
    FixedString<2048> ca;                   // PEM of the broker's CA; empty: the adapter's own
    FixedString<32> device_id;              // [a-z0-9-]{1,32}; MQTT user name and client id
    FixedString<64> password;               // of the device at the broker
    std::uint32_t sample_rate_hz = 44'100;  // 44,100, 16,000 or 4,000
    std::uint32_t record_ms = 4'000;        // 500..600,000
    Mode mode = Mode::kOnce;
    FixedString<64> models;            // names between commas; empty: the worker's default
    FixedString<16> site;              // AV, PV, TV, MV or another word; empty: not said
    std::uint8_t amplification = 1;    // 1..100
    std::uint16_t gate_permille = 20;  // of full scale, 1..999
    bool restart_after_sending = false;
    std::uint32_t time_s = 0;  // since 1970, when these settings were made; 0: not said

    friend bool operator==(const Settings&, const Settings&) = default;
};

// Returns the clock of the microphone for `sample_rate_hz`: 4,000 Hz is decimated from 16,000.
constexpr std::uint32_t capture_rate_hz(std::uint32_t sample_rate_hz) {
    return sample_rate_hz == 44'100 ? 44'100 : 16'000;
}

inline constexpr std::string_view kSettingsKey = "settings";

// Setting that is wrong, and the rule that it breaks; both strings are static.
struct SettingFault {
    std::string_view key;
    std::string_view rule;
};

// Working memory for the text of settings, at least hal::kMaxValueBytes; what is in it does not matter.
using SettingsText = std::span<char>;

// Changes one setting. Nothing: done. An unknown key is a fault; after a fault nothing has changed.
std::optional<SettingFault> set(Settings& settings, std::string_view key, std::string_view value);

// Returns nothing if the settings are enough to connect, else the first that is not.
std::optional<SettingFault> check(const Settings& settings);

// Applies a form to `settings`, a copy: after a fault a part of it is applied. All of it must be valid and
// enough to connect. Keys that are not in the form keep their values; so do passwords and certificates that
// are in it but empty. `wifi_pick` is a name of the list of networks, as hexadecimal digits, since it need not be
// text; not empty, it counts instead of `wifi_ssid`. Another network without a password is an open one.
std::optional<SettingFault> read_form(std::string_view form, Settings& settings, SettingsText work);

// Writes the lines to store. Returns their length; 0: `out` is too short.
std::size_t write_lines(const Settings& settings, std::span<char> out);

// Reads stored lines, which it decodes where they are. False: they are damaged or not enough to connect, and
// `settings` are as delivered. Unknown keys (of a newer firmware, before a roll-back) are ignored.
bool read_lines(std::span<char> lines, Settings& settings);

// Read the settings from `storage` and write them to it, under kSettingsKey.
bool load_settings(hal::Storage& storage, Settings& settings, SettingsText work);
bool save_settings(const Settings& settings, hal::Storage& storage, SettingsText work);

}  // namespace stetho
