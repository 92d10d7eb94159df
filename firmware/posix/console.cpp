#include "posix/console.h"

#include <poll.h>
#include <unistd.h>

#include <array>

namespace stetho::posix {

std::optional<std::string> Console::line() {
    if (buffer_.find('\n') == std::string::npos) fill();
    const std::size_t end = buffer_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    std::string found = buffer_.substr(0, end);
    buffer_.erase(0, end + 1);
    return found;
}

void Console::fill() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (is_at_end_ || ::poll(&input, 1, 0) <= 0) return;
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    is_at_end_ = count <= 0;
    if (count > 0) buffer_.append(bytes.data(), static_cast<std::size_t>(count));
}

}  // namespace stetho::posix
