#include "posix/command_line.h"

#include <getopt.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string_view>

#include "posix/help_text.h"

namespace stetho::posix {
namespace {

enum Option : int {
    kHelpOption = 1000,
    kHost,
    kPort,
    kCaFile,
    kDevice,
    kPassword,
    kPasswordFile,
    kAudio,
    kBpm,
    kRate,
    kSeconds,
    kStream,
    kGate,
    kModels,
    kSite,
    kChunk,
    kOnce,
    kPress,
    kTimeout,
    kSettingsDir,
    kPortal,
    kFlash,
    kSlots,
    kOledPng,
    kQuiet,
    kPace,
    kMemory,
    kRing,
    kClockAfter,
    kAsk,
    kSeed,
};

const std::array<option, 32> kOptions = {{
    {"help", no_argument, nullptr, kHelpOption},
    {"host", required_argument, nullptr, kHost},
    {"port", required_argument, nullptr, kPort},
    {"cafile", required_argument, nullptr, kCaFile},
    {"device", required_argument, nullptr, kDevice},
    {"password", required_argument, nullptr, kPassword},
    {"password-file", required_argument, nullptr, kPasswordFile},
    {"audio", required_argument, nullptr, kAudio},
    {"bpm", required_argument, nullptr, kBpm},
    {"rate", required_argument, nullptr, kRate},
    {"seconds", required_argument, nullptr, kSeconds},
    {"stream", no_argument, nullptr, kStream},
    {"gate", required_argument, nullptr, kGate},
    {"models", required_argument, nullptr, kModels},
    {"site", required_argument, nullptr, kSite},
    {"chunk", required_argument, nullptr, kChunk},
    {"once", no_argument, nullptr, kOnce},
    {"press", required_argument, nullptr, kPress},
    {"timeout", required_argument, nullptr, kTimeout},
    {"settings", required_argument, nullptr, kSettingsDir},
    {"portal", required_argument, nullptr, kPortal},
    {"flash", required_argument, nullptr, kFlash},
    {"slots", required_argument, nullptr, kSlots},
    {"oled-png", required_argument, nullptr, kOledPng},
    {"quiet", no_argument, nullptr, kQuiet},
    {"pace", required_argument, nullptr, kPace},
    {"memory", required_argument, nullptr, kMemory},
    {"ring", required_argument, nullptr, kRing},
    {"clock-after", required_argument, nullptr, kClockAfter},
    {"ask", required_argument, nullptr, kAsk},
    {"seed", required_argument, nullptr, kSeed},
    {nullptr, 0, nullptr, 0},
}};

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file) throw std::runtime_error(path + " cannot be read");
    return text.str();
}

std::uint32_t whole(const std::string& name, std::string_view text, std::uint32_t least, std::uint32_t most) {
    std::uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most)
        throw std::runtime_error(name + " is a whole number of " + std::to_string(least) + " to " +
                                 std::to_string(most));
    return number;
}

double seconds(const std::string& name, std::string_view text, double least, double most) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || !(number >= least && number <= most))
        throw std::runtime_error(name + ": '" + std::string(text) + "' is out of range");
    return number;
}

// Sets one of the device's settings, with the device's own rules. Its key is the option's name, or similar to
// it.
void give(Settings& settings, std::string_view key, std::string_view value) {
    if (const auto fault = set(settings, key, value))
        throw std::runtime_error("'" + std::string(value.substr(0, 40)) + "' is no " + std::string(key) +
                                 ": " + std::string(fault->rule));
}

std::vector<double> times(std::string_view text) {
    std::vector<double> found;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(','));
        found.push_back(seconds("--press", one, 0, 86'400));
        text.remove_prefix(std::min(text.size(), one.size() + 1));
    }
    return found;
}

void take_connection(Arguments& arguments, int code, const std::string& value) {
    Settings& settings = arguments.settings;
    switch (code) {
        case kHost:
            return give(settings, "host", value);
        case kPort:
            return give(settings, "port", value);
        case kCaFile:
            give(settings, "ca", read_file(value));
            settings.tls = true;
            return;
        case kDevice:
            return give(settings, "device_id", value);
        case kPassword:
            return give(settings, "password", value);
        default: {
            const std::string text = read_file(value);
            return give(settings, "password", text.substr(0, text.find_first_of("\r\n")));
        }
    }
}

void take_recording(Arguments& arguments, int code, const std::string& value) {
    Settings& settings = arguments.settings;
    switch (code) {
        case kAudio:
            arguments.audio = value;
            return;
        case kBpm:
            arguments.bpm = whole("--bpm", value, 30, 200);
            return;
        case kRate:
            give(settings, "sample_rate", value);
            arguments.has_rate = true;
            return;
        case kSeconds:
            give(settings, "record_ms",
                 std::to_string(static_cast<long>(seconds("--seconds", value, 0.5, 600) * 1000)));
            arguments.has_seconds = true;
            return;
        case kStream:
            settings.mode = Mode::kStream;
            return;
        case kGate:
            settings.mode = Mode::kGate;
            return give(settings, "gate", value);
        case kModels:
            return give(settings, "models", value);
        case kSite:
            return give(settings, "site", value);
        default:
            arguments.chunk_samples = whole("--chunk", value, 128, 32'768);
            return;
    }
}

void take_rest(Arguments& arguments, int code, const std::string& value) {
    switch (code) {
        case kOnce:
            arguments.is_once = true;
            return;
        case kPress:
            arguments.presses_s = times(value);
            return;
        case kTimeout:
            arguments.timeout_s = whole("--timeout", value, 1, 86'400);
            return;
        case kSettingsDir:
            arguments.settings_dir = value;
            return;
        case kPortal:
            arguments.portal_port = static_cast<int>(whole("--portal", value, 1, 65'535));
            return;
        case kFlash:
            arguments.flash = value;
            return;
        case kSlots:
            arguments.slots = value;
            return;
        case kOledPng:
            arguments.oled_dir = value;
            return;
        case kQuiet:
            arguments.is_quiet = true;
            return;
        case kPace:
            arguments.pace = seconds("--pace", value, 0.1, 100);
            return;
        case kMemory:
            arguments.memory_samples = whole("--memory", value, 2'048, 33'000'000);
            return;
        case kRing:
            arguments.ring_samples = whole("--ring", value, 64, 1U << 24U);
            return;
        case kClockAfter:
            arguments.clock_after_s = seconds("--clock-after", value, 0, 86'400);
            return;
        case kAsk:
            arguments.ask = value;
            return;
        default:
            arguments.seed = whole("--seed", value, 0, std::numeric_limits<std::uint32_t>::max());
            return;
    }
}

void take(Arguments& arguments, int code, const std::string& value) {
    if (code >= kHost && code <= kPasswordFile) return take_connection(arguments, code, value);
    if (code >= kAudio && code <= kChunk) return take_recording(arguments, code, value);
    take_rest(arguments, code, value);
}

Arguments defaults() {
    Arguments arguments;
    give(arguments.settings, "host", "127.0.0.1");
    arguments.settings.port = 0;
    arguments.settings.tls = false;
    if (const char* password = std::getenv("STETHO_DEVICE_PASSWORD"))
        give(arguments.settings, "password", password);
    return arguments;
}

}  // namespace

std::optional<Arguments> parse_command_line(int count, char** values, int& exit_status) {
    exit_status = 2;
    try {
        Arguments arguments = defaults();
        for (int code = 0; (code = getopt_long(count, values, "", kOptions.data(), nullptr)) != -1;) {
            if (code == kHelpOption) {
                std::fputs(kHelpText, stdout);
                exit_status = 0;
                return std::nullopt;
            }
            if (code == '?') return std::nullopt;  // getopt has printed what is wrong
            take(arguments, code, optarg ? optarg : "");
        }
        if (optind < count) throw std::runtime_error(std::string("'") + values[optind] + "' is no option");
        if (arguments.settings.port == 0) arguments.settings.port = arguments.settings.tls ? 8883 : 1883;
        if (arguments.settings.device_id.empty() && arguments.settings_dir.empty())
            throw std::runtime_error("--device is missing; it is the id of the device, such as st-01");
        return arguments;
    } catch (const std::runtime_error& error) {
        std::fprintf(stderr, "stethoscope-posix: %s; --help shows examples\n", error.what());
        return std::nullopt;
    }
}

}  // namespace stetho::posix
