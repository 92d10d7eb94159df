// The program stethoscope-posix: see --help.
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include "posix/program.h"
#include "posix/reset.h"

namespace {

stetho::posix::Program* running = nullptr;

void stop(int) {
    if (running != nullptr) running->stop();
}

// Reads the file of --audio; rate and length that were not given are those of the file.
stetho::posix::Wav load_sound(stetho::posix::Arguments& arguments) {
    using stetho::posix::Wav;
    stetho::Settings& settings = arguments.settings;
    if (arguments.audio.empty()) return Wav{stetho::capture_rate_hz(settings.sample_rate_hz), {}};
    Wav wav = stetho::posix::read_wav(arguments.audio);
    if (!arguments.has_rate) settings.sample_rate_hz = wav.rate_hz;
    if (!arguments.has_seconds) {
        const auto length_ms = static_cast<std::uint32_t>(wav.samples.size() * 1000 / wav.rate_hz);
        settings.record_ms = length_ms < 500 ? 500 : length_ms > 600'000 ? 600'000 : length_ms;
    }
    return wav;
}

int run(stetho::posix::Arguments arguments) {
    stetho::posix::Wav wav = load_sound(arguments);
    stetho::posix::Program program(std::move(arguments), std::move(wav));
    running = &program;
    const int status = program.run();
    running = nullptr;
    return status;
}

}  // namespace

int main(int count, char** values) {
    stetho::posix::keep_arguments(values);
    int status = 0;
    auto arguments = stetho::posix::parse_command_line(count, values, status);
    if (!arguments) return status;
    std::signal(SIGINT, stop);
    std::signal(SIGTERM, stop);
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return run(std::move(*arguments));
    } catch (const std::runtime_error& error) {
        std::fprintf(stderr, "stethoscope-posix: %s\n", error.what());
        return 2;
    }
}
