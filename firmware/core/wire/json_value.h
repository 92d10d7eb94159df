// Readers of JSON values that several messages have in common. Any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "core/wire/json_reader.h"

namespace stetho {

// Each returns nothing if the current value of `reader` has another type or is out of range.
std::optional<std::uint64_t> read_recording_id(const JsonReader& reader);  // 16 lower-case hex digits
std::optional<std::uint16_t> read_bpm(const JsonReader& reader);           // 1..999, rounded
std::optional<std::uint16_t> read_permille(const JsonReader& reader);      // 0..1000 for a value of 0..1

}  // namespace stetho
