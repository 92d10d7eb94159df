// Command line of the Linux program: its options and their checks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/storage/settings.h"

namespace stetho::posix {

struct Arguments {
    Settings settings;
    std::string audio;  // a WAV file; empty: a synthetic heart sound
    std::string
        settings_dir;  // where settings are stored; empty: nothing is stored, the arguments are the settings
    std::string flash;              // file that is the flash for recordings; empty: there is none
    std::string slots;              // folder of the two slots for images; empty: there are no updates
    std::string ask;                // whom --host auto asks, "address:port"; empty: everybody
    std::string oled_dir;           // where pictures of the screen are written; empty: nowhere
    std::vector<double> presses_s;  // when the button is pressed, seconds after the start
    std::uint32_t bpm = 72;
    std::uint32_t memory_samples = 4'000'000;
    std::uint32_t ring_samples = 1U << 16U;
    std::uint32_t chunk_samples = 8'192;
    std::uint32_t timeout_s = 60;
    std::uint32_t seed = 0;    // 0: true random numbers
    double pace = 1.0;         // by what factor everything runs faster than real time
    double clock_after_s = 0;  // when the time of day becomes known
    int portal_port = 0;       // of 127.0.0.1, where the form is served; 0: nowhere
    bool is_once = false;
    bool is_quiet = false;
    bool has_rate = false;
    bool has_seconds = false;
};

// Parses the command line. On a mistake, or after --help was printed, it returns nothing and sets
// `exit_status`.
std::optional<Arguments> parse_command_line(int count, char** values, int& exit_status);

}  // namespace stetho::posix
