// Fuzz target of the provisioning form and of stored settings: settings that are accepted are enough to
// connect, and stay the same when stored and read.
#include <array>
#include <cstdlib>
#include <string>

#include "core/storage/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    stetho::Settings settings;
    static std::array<char, stetho::hal::kMaxValueBytes> work;
    const bool is_taken = !stetho::read_form(text, settings, work);
    stetho::Settings other;
    std::string lines(text);
    if (!stetho::read_lines(lines, other) && other != stetho::Settings{}) std::abort();
    if (!is_taken) return 0;
    if (stetho::check(settings)) std::abort();
    static std::array<char, 16'384> stored;
    const std::size_t count = stetho::write_lines(settings, stored);
    if (count == 0 || !stetho::read_lines({stored.data(), count}, other) || other != settings) std::abort();
    return 0;
}
