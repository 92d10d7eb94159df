#include "posix/console.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>

namespace stetho::posix {

std::optional<std::string> Console::line() {
    while (at_ < count_ || fill()) {
        const LineEvent event = lines_.take(bytes_[at_++]);
        if (event == LineEvent::kLine) return std::string(lines_.line());
        if (event == LineEvent::kTooLong)
            std::fprintf(stderr, "a line has at most %zu characters; nothing of this one was taken\n", kMaxLineBytes);
    }
    return std::nullopt;
}

bool Console::fill() {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (is_at_end_ || ::poll(&input, 1, 0) <= 0) return false;
    const ssize_t count = ::read(STDIN_FILENO, bytes_.data(), bytes_.size());
    is_at_end_ = count <= 0;
    at_ = 0;
    count_ = count > 0 ? static_cast<std::size_t>(count) : 0;
    return count_ > 0;
}

}  // namespace stetho::posix
