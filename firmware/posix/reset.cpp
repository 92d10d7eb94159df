#include "posix/reset.h"

#include <linux/close_range.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace stetho::posix {
namespace {

constexpr const char* kReason = "STETHO_RESET_REASON";  // a register that a reset leaves, and power-off does not

char** arguments = nullptr;

}  // namespace

void keep_arguments(char** values) { arguments = values; }

std::string_view reset_reason() {
    const char* const reason = std::getenv(kReason);
    return reason != nullptr ? reason : "power-on";
}

void reset(const char* reason) {
    ::setenv(kReason, reason, 1);
    ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
    ::execv("/proc/self/exe", arguments);
    std::perror("stethoscope-posix: it cannot start again");
    std::_Exit(2);
}

}  // namespace stetho::posix
