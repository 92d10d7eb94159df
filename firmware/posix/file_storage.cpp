#include "posix/file_storage.h"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>

namespace stetho::posix {
namespace {

namespace fs = std::filesystem;

// Writes and syncs, so that after a power cut the file holds the old value or the new one.
bool write_durably(const fs::path& path, std::string_view value) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return false;
    const bool is_written =
        ::write(file, value.data(), value.size()) == static_cast<ssize_t>(value.size()) && ::fsync(file) == 0;
    return ::close(file) == 0 && is_written;
}

}  // namespace

std::optional<std::size_t> FileStorage::get(std::string_view key, std::span<char> value) {
    std::ifstream file(directory_ / key, std::ios::binary);
    file.read(value.data(), static_cast<std::streamsize>(value.size()));
    const auto length = static_cast<std::size_t>(file.gcount());
    const bool is_whole = file.eof() || (file && file.peek() == std::ifstream::traits_type::eof());
    return !directory_.empty() && is_whole && length > 0 ? std::optional(length) : std::nullopt;
}

bool FileStorage::put(std::string_view key, std::string_view value) {
    std::error_code error;
    fs::create_directories(directory_, error);
    const fs::path fresh = directory_ / (std::string(key) + ".new");
    if (directory_.empty() || key.size() > hal::kMaxKeyBytes || !write_durably(fresh, value)) return false;
    fs::rename(fresh, directory_ / key, error);
    return !error;
}

bool FileStorage::clear() {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory_, error)) fs::remove(entry.path(), error);
    return !error;
}

}  // namespace stetho::posix
