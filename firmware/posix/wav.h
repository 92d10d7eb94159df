// Reader of WAV files of 16-bit PCM.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stetho::posix {

struct Wav {
    std::uint32_t rate_hz = 0;
    std::vector<std::int16_t> samples;  // mono; the mean of the channels
};

// Reads a WAV file. Throws std::runtime_error, with what is wrong and what to do, if it is not such a file.
Wav read_wav(const std::string& path);

}  // namespace stetho::posix
