#include "posix/wav.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>

namespace stetho::posix {
namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kChunkHeader = 8;
constexpr std::uint32_t kExtensible = 0xFFFE;

std::uint32_t number(Bytes bytes, std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    for (std::size_t index = size; index-- > 0;) value = value << 8U | bytes[at + index];
    return value;
}

bool is_called(Bytes bytes, std::size_t at, std::string_view name) {
    return std::equal(name.begin(), name.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

// Returns the body of the first RIFF chunk of this name; empty if there is none. A body that is cut off ends
// with the file.
Bytes find(Bytes file, std::string_view name) {
    for (std::size_t at = 12; at + kChunkHeader <= file.size();) {
        const std::size_t size = number(file, at + 4, 4);
        const std::size_t start = at + kChunkHeader;
        if (is_called(file, at, name)) return file.subspan(start, std::min(size, file.size() - start));
        at = start + size + size % 2;
    }
    return {};
}

std::vector<std::int16_t> mono(Bytes data, std::size_t channels) {
    std::vector<std::int16_t> samples(data.size() / (2 * channels));
    for (std::size_t index = 0; index < samples.size(); ++index) {
        int sum = 0;
        for (std::size_t channel = 0; channel < channels; ++channel)
            sum += static_cast<std::int16_t>(number(data, 2 * (index * channels + channel), 2));
        samples[index] = static_cast<std::int16_t>(sum / static_cast<int>(channels));
    }
    return samples;
}

}  // namespace

Wav read_wav(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    const std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(stream), {}};
    const Bytes file(bytes);
    if (file.size() < 12 || !is_called(file, 0, "RIFF") || !is_called(file, 8, "WAVE"))
        throw std::runtime_error(path + " is not a WAV file, or cannot be read");
    const Bytes format = find(file, "fmt ");
    const std::uint32_t kind = format.size() >= 16 ? number(format, 0, 2) : 0;
    const std::uint32_t channels = format.size() >= 16 ? number(format, 2, 2) : 0;
    if ((kind != 1 && kind != kExtensible) || channels < 1 || channels > 2 || number(format, 14, 2) != 16)
        throw std::runtime_error(path + " is not 16-bit PCM with one or two channels; convert it first");
    Wav wav{number(format, 4, 4), mono(find(file, "data"), channels)};
    if (wav.samples.empty()) throw std::runtime_error(path + " holds no sound");
    return wav;
}

}  // namespace stetho::posix
