#include "core/wire/result_reader.h"

#include "core/wire/chunk.h"
#include "core/wire/json_value.h"

namespace stetho {
namespace {

std::optional<ResultStatus> read_status(const JsonReader& reader) {
    if (reader.token() != JsonToken::kString) return std::nullopt;
    if (reader.is("ok")) return ResultStatus::kOk;
    if (reader.is("inconclusive")) return ResultStatus::kInconclusive;
    if (reader.is("error")) return ResultStatus::kError;
    return std::nullopt;
}

std::optional<Severity> read_severity(const JsonReader& reader) {
    if (reader.token() != JsonToken::kString) return std::nullopt;
    if (reader.is("none")) return Severity::kNone;
    if (reader.is("finding")) return Severity::kFinding;
    return Severity::kUnknown;
}

}  // namespace

std::optional<Result> read_result(Bytes payload) {
    Result result;
    std::optional<std::uint64_t> id;
    std::optional<ResultStatus> status;
    bool is_version_1 = true;
    const bool is_whole = read_object(payload, [&](std::string_view key, JsonReader& value) {
        if (key == "v") is_version_1 = value.integer() == 1;
        if (key == "recording_id") id = read_recording_id(value);
        if (key == "status") status = read_status(value);
        if (key == "bpm") result.bpm = read_bpm(value);
        if (key == "model") read_text(value, result.model);
        if (key == "label") read_text(value, result.label);
        if (key == "confidence") result.confidence_permille = read_permille(value).value_or(0);
        if (key == "accepted") result.accepted = value.token() == JsonToken::kTrue;
        if (key == "reason") read_text(value, result.reason);
        if (key == "hears") result.is_other_sound = value.is_string("sound");
        if (key == "severity") result.severity = read_severity(value);
        if (key == "text") read_text(value, result.text);
        if (key == "note") read_text(value, result.note);
    });
    if (!is_whole || !is_version_1 || !id || !status) return std::nullopt;
    result.recording_id = *id;
    result.status = *status;
    return result;
}

}  // namespace stetho
