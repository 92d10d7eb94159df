#include "posix/image_slots.h"

#include <array>
#include <charconv>
#include <fstream>
#include <sstream>

#include "core/wire/crc32.h"

namespace stetho::posix {
namespace {

constexpr std::string_view kProject = "stethoscope-posix ";
constexpr std::string_view kKey = "boot";  // the slot, and the state of the image in it
constexpr std::size_t kCrcBytes = 4;

std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool is_whole(const std::string& image) {
    const auto head = read_image_head(image);
    if (!head || image.size() != head->bytes || image.size() < kCrcBytes) return false;
    const Bytes bytes(reinterpret_cast<const std::uint8_t*>(image.data()), image.size());
    std::uint32_t crc = 0;
    for (std::size_t at = 0; at < kCrcBytes; ++at)
        crc |= std::uint32_t{bytes[bytes.size() - kCrcBytes + at]} << 8U * at;
    return crc32(bytes.first(bytes.size() - kCrcBytes)) == crc;
}

}  // namespace

std::optional<ImageHead> read_image_head(std::string_view text) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (!line.starts_with(kProject) || line.size() == text.size()) return std::nullopt;
    const std::size_t space = line.rfind(' ');
    ImageHead head;
    const auto [end, error] = std::from_chars(line.data() + space + 1, line.data() + line.size(), head.bytes);
    if (error != std::errc{} || end != line.data() + line.size() || space < kProject.size()) return std::nullopt;
    head.version = line.substr(kProject.size(), space - kProject.size());
    return head;
}

ImageSlots::ImageSlots(const std::string& directory) : directory_(directory), storage_(directory) {
    if (are_there()) std::filesystem::create_directories(directory_);
    std::array<char, 16> text{};
    const std::string_view value(text.data(), storage_.get(kKey, text).value_or(0));
    if (value.size() < 3) return;
    running_ = value[0];
    if (value.substr(2) == kNew)
        store(running_, state_ = kTrial);
    else if (value.substr(2) == kTrial)  // it was started, and never confirmed
        store(running_ = other(), kValid);
}

std::string ImageSlots::version() const {
    const auto head = are_there() ? read_image_head(read(path_of(running_))) : std::nullopt;
    return head ? head->version : "";
}

void ImageSlots::confirm() {
    state_ = kValid;
    store(running_, kValid);
}

void ImageSlots::give_up() { store(other(), kValid); }

bool ImageSlots::select_spare() { return is_whole(read(spare())) && store(other(), kNew); }

bool ImageSlots::store(char slot, std::string_view state) {
    return storage_.put(kKey, std::string(1, slot) + ' ' + std::string(state));
}

}  // namespace stetho::posix
