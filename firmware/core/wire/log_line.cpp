#include "core/wire/log_line.h"

#include <algorithm>

namespace stetho {
namespace {

constexpr char kEscape = '\x1b';  // begins a colour, which ends in 'm'

}  // namespace

std::string_view error_in(std::string_view line) {
    if (line.starts_with(kEscape)) line.remove_prefix(std::min(line.find('m'), line.size() - 1) + 1);
    if (!line.starts_with("E (")) return {};
    const std::size_t time_end = line.find(") ");
    if (time_end == std::string_view::npos) return {};
    line.remove_prefix(time_end + 2);
    return line.substr(0, line.find_first_of("\x1b\r\n"));
}

}  // namespace stetho
