#include "core/wire/control_reader.h"

#include "core/wire/json_value.h"

namespace stetho {
namespace {

std::optional<ControlType> read_type(const JsonReader& reader) {
    if (reader.token() != JsonToken::kString) return std::nullopt;
    if (reader.is("missing")) return ControlType::kMissing;
    if (reader.is("stored")) return ControlType::kStored;
    if (reader.is("rejected")) return ControlType::kRejected;
    return std::nullopt;
}

// Returns the index of a sample; nothing if it is not one.
std::optional<std::uint32_t> read_index(const JsonReader& reader) {
    const auto number = reader.integer();
    if (!number || *number < 0 || *number >= SampleRange::kToEnd) return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

// Reads one range [start, end]: the array that begins at the current token, to its end.
std::optional<SampleRange> read_range(JsonReader& reader) {
    SampleRange range;
    bool is_good = true;
    std::size_t count = 0;
    for (; reader.next() != JsonToken::kEndArray; ++count) {
        const auto index = read_index(reader);
        const bool is_open_end = count == 1 && reader.token() == JsonToken::kNull;
        is_good = is_good && count < 2 && (index || is_open_end);
        if (count == 0) range.start = index.value_or(0);
        if (count == 1) range.end = index.value_or(SampleRange::kToEnd);
        if (!reader.skip()) return std::nullopt;
    }
    if (!is_good || count != 2 || range.start >= range.end) return std::nullopt;
    return range;
}

void read_ranges(JsonReader& reader, Control& control) {
    if (reader.token() != JsonToken::kBeginArray) return;
    control.range_count = 0;
    while (reader.next() != JsonToken::kEndArray) {
        const bool is_array = reader.token() == JsonToken::kBeginArray;
        const auto range = is_array ? read_range(reader) : std::nullopt;
        if (range && control.range_count < Control::kMaxRanges)
            control.ranges[control.range_count++] = *range;
        if (!reader.skip()) return;
    }
}

}  // namespace

std::optional<Control> read_control(Bytes payload) {
    Control control;
    std::optional<ControlType> type;
    const bool is_whole = read_object(payload, [&](std::string_view key, JsonReader& value) {
        if (key == "type") type = read_type(value);
        if (key == "recording_id") control.recording_id = read_recording_id(value);
        if (key == "meta") control.meta = value.token() == JsonToken::kTrue;
        if (key == "completeness") control.complete = value.is_string("complete");
        if (key == "reason") read_text(value, control.reason);
        if (key == "detail") read_text(value, control.detail);
        if (key == "ranges") read_ranges(value, control);
    });
    if (!is_whole || !type) return std::nullopt;
    control.type = *type;
    if (control.type != ControlType::kRejected && !control.recording_id) return std::nullopt;
    return control;
}

}  // namespace stetho
