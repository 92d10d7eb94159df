// Lines of the chip's log, "E (1234) wifi: no memory", with or without colours.
#pragma once

#include <string_view>

namespace stetho {

// Returns what an error line says, "wifi: no memory"; empty: the line is none. It works on the format of a line, too.
std::string_view error_in(std::string_view line);

}  // namespace stetho
