// Reader of live values on `down/live` while a recording is made: shown on the screen, never a result. Any
// thread.
#pragma once

#include <cstdint>
#include <optional>

#include "core/wire/bytes.h"
#include "core/wire/fixed_string.h"

namespace stetho {

struct Live {
    std::uint64_t recording_id = 0;
    std::uint32_t time_ms = 0;         // position in the recording up to which the sound was analysed
    std::optional<std::uint16_t> bpm;  // 1..999
    std::optional<std::uint16_t> quality_permille;  // 0..1000
    FixedString<21> hint;                           // one line of the screen, such as "press firmer"
    FixedString<32> model;
    FixedString<32> label;
    std::optional<std::uint16_t> confidence_permille;  // 0..1000
};

// Returns the values in `payload`; nothing if it is malformed or names no recording.
std::optional<Live> read_live(Bytes payload);

}  // namespace stetho
