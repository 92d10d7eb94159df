#include "posix/file_flash.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <vector>

namespace stetho::posix {

FileFlash::FileFlash(const std::string& path) {
    if (path.empty()) return;
    file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const ::off_t end = file_ < 0 ? -1 : ::lseek(file_, 0, SEEK_END);
    if (end < 0) throw std::runtime_error(path + " cannot be opened");
    size_ = end > 0 ? static_cast<std::uint32_t>(end) : kBytes;
    for (std::uint32_t at = 0; end == 0 && at < size_; at += hal::kFlashSectorBytes) erase(at);
}

FileFlash::~FileFlash() {
    if (file_ >= 0) ::close(file_);
}

bool FileFlash::load(std::uint32_t offset, std::span<std::uint8_t> out) {
    return offset + out.size() <= size_ &&
           ::pread(file_, out.data(), out.size(), offset) == static_cast<::ssize_t>(out.size());
}

bool FileFlash::program(std::uint32_t offset, std::span<const std::uint8_t> bytes) {
    std::vector<std::uint8_t> held(bytes.size());
    if (!load(offset, held)) return false;
    std::ranges::transform(held, bytes, held.begin(),
                           [](std::uint8_t old, std::uint8_t fresh) { return static_cast<std::uint8_t>(old & fresh); });
    return ::pwrite(file_, held.data(), held.size(), offset) == static_cast<::ssize_t>(held.size());
}

bool FileFlash::erase(std::uint32_t offset) {
    const std::vector<std::uint8_t> ones(hal::kFlashSectorBytes, 0xFF);
    return ::pwrite(file_, ones.data(), ones.size(), offset) == static_cast<::ssize_t>(ones.size());
}

}  // namespace stetho::posix
