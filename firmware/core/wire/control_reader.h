// Reader of the control messages `missing`, `stored` and `rejected` on `down/control` (docs/protocol.md,
// "Control messages"). Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/wire/bytes.h"
#include "core/wire/fixed_string.h"
#include "core/wire/sample_range.h"

namespace stetho {

enum class ControlType : std::uint8_t { kMissing, kStored, kRejected };

struct Control {
    static constexpr std::size_t kMaxRanges = 32;

    ControlType type = ControlType::kStored;
    std::optional<std::uint64_t> recording_id;  // nothing only in a `rejected` for an unreadable header
    std::array<SampleRange, kMaxRanges> ranges{};
    std::size_t range_count = 0;
    bool meta = false;       // missing: the META chunk is requested
    bool complete = false;   // stored: nothing of the recording is missing
    FixedString<16> reason;  // rejected: reason, such as "crc"
    FixedString<63> detail;  // rejected: text for a person

    std::span<const SampleRange> requested_ranges() const { return std::span(ranges).first(range_count); }
};

// Returns the message in `payload`; nothing if it is malformed or of an unknown type. Ranges that are
// malformed or empty are left out; those after the 32nd are requested again by the worker.
std::optional<Control> read_control(Bytes payload);

}  // namespace stetho
