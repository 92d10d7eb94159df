// Screen of a result as a pure function: what the worker heard, or why it cannot tell, and what a person can do. Any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "core/display/screen.h"
#include "core/wire/result_reader.h"

namespace stetho {

// Returns the screen of a result: the worker's verdict in its words, with a sign and a box for a finding. A
// label that was not accepted is not shown as an answer. It always says "not a diagnosis". `is_late`: it is not
// of the last recording, and says of which.
Screen result_screen(const Result& result, bool is_late);

// Returns "72 bpm", "-- bpm" where there is no rate.
FixedString<Screen::kColumns> heart_rate_text(std::optional<std::uint16_t> bpm);

}  // namespace stetho
