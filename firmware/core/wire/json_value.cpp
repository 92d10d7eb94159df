#include "core/wire/json_value.h"

#include "core/wire/chunk.h"

namespace stetho {

std::optional<std::uint64_t> read_recording_id(const JsonReader& reader) {
    if (reader.token() != JsonToken::kString) return std::nullopt;
    return recording_id(reader.raw());
}

std::optional<std::uint16_t> read_bpm(const JsonReader& reader) {
    const auto value = reader.thousandths();
    if (!value || *value < 500 || *value >= 999'500) return std::nullopt;
    return static_cast<std::uint16_t>((*value + 500) / 1000);
}

std::optional<std::uint16_t> read_permille(const JsonReader& reader) {
    const auto value = reader.thousandths();
    if (!value || *value < 0 || *value > 1000) return std::nullopt;
    return static_cast<std::uint16_t>(*value);
}

}  // namespace stetho
