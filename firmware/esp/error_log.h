// Last error of the log, of ESP-IDF's parts and of ours, so that it can be told to who has no cable to the console.
#pragma once

#include <cstddef>
#include <span>

namespace stetho::esp {

// Keeps the last error from now on; the console still gets every line.
void watch_log();

// Writes the last error, as far as it fits; any task. Returns its length; 0: none yet.
std::size_t last_error(std::span<char> out);

}  // namespace stetho::esp
