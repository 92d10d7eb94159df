// Reader of the compact result on `down/result` (docs/protocol.md, "Result"). Any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "core/wire/bytes.h"
#include "core/wire/fixed_string.h"

namespace stetho {

enum class ResultStatus : std::uint8_t { kOk, kInconclusive, kError };

// Severity of the worker's verdict; nothing in results of workers before 0.1.
enum class Severity : std::uint8_t { kNone, kFinding, kUnknown };

struct Result {
    std::uint64_t recording_id = 0;
    ResultStatus status = ResultStatus::kError;
    std::optional<std::uint16_t> bpm;  // 1..999; nothing: no rate was found
    FixedString<32> model;             // name of the model of the headline; empty: no model ran
    FixedString<32> label;             // describes a sound; shown only if `accepted`
    std::uint16_t confidence_permille = 0;
    bool accepted = false;
    FixedString<24> reason;  // such as "too_quiet"; empty if the status is ok
    bool is_other_sound = false;  // no model was for hearts: a voice, a room
    std::optional<Severity> severity;
    FixedString<21> text;  // the verdict for people, in their language; empty: not given
    FixedString<21> note;  // such as "models disagree"; mostly empty
};

// Returns the result in `payload`; nothing if it is not one: not JSON, another version, no recording, an
// unknown status. Texts that are too long are cut; a rate or confidence out of range is dropped.
std::optional<Result> read_result(Bytes payload);

}  // namespace stetho
