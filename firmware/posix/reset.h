// Reset of the device: the program starts again in the same process, and knows why, as a chip does.
#pragma once

#include <string_view>

namespace stetho::posix {

// Keeps the arguments of the program for `reset`.
void keep_arguments(char** values);

// Returns how the start before ended: "power-on" for a new process, else what `reset` was told.
std::string_view reset_reason();

// Starts the program again at once, from any thread: nothing is shut down, no one is told, and connections break.
[[noreturn]] void reset(const char* reason);

}  // namespace stetho::posix
