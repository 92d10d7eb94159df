#include "core/wire/live_reader.h"

#include <algorithm>

#include "core/wire/json_value.h"

namespace stetho {

std::optional<Live> read_live(Bytes payload) {
    Live live;
    std::optional<std::uint64_t> id;
    bool is_version_1 = true;
    const bool is_whole = read_object(payload, [&](std::string_view key, JsonReader& value) {
        if (key == "v") is_version_1 = value.integer() == 1;
        if (key == "recording_id") id = read_recording_id(value);
        if (key == "t_s") {
            live.time_ms =
                static_cast<std::uint32_t>(std::max<std::int32_t>(0, value.thousandths().value_or(0)));
        }
        if (key == "bpm") live.bpm = read_bpm(value);
        if (key == "quality") live.quality_permille = read_permille(value);
        if (key == "hint") read_text(value, live.hint);
        if (key == "model") read_text(value, live.model);
        if (key == "label") read_text(value, live.label);
        if (key == "confidence") live.confidence_permille = read_permille(value);
    });
    if (!is_whole || !is_version_1 || !id) return std::nullopt;
    live.recording_id = *id;
    return live;
}

}  // namespace stetho
