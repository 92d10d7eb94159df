#include "core/wire/command_reader.h"

#include "core/wire/json_value.h"

namespace stetho {
namespace {

constexpr std::int32_t kShortestMs = 100;
constexpr std::int32_t kLongestMs = 3'600'000;

std::optional<CommandType> read_type(const JsonReader& reader) {
    if (reader.token() != JsonToken::kString) return std::nullopt;
    if (reader.is("record")) return CommandType::kRecord;
    if (reader.is("stop")) return CommandType::kStop;
    if (reader.is("restart")) return CommandType::kRestart;
    if (reader.is("identify")) return CommandType::kIdentify;
    if (reader.is("update")) return CommandType::kUpdate;
    return std::nullopt;
}

std::optional<std::uint32_t> read_length(const JsonReader& reader) {
    const auto value_ms = reader.thousandths();
    if (!value_ms || *value_ms < kShortestMs || *value_ms > kLongestMs) return std::nullopt;
    return static_cast<std::uint32_t>(*value_ms);
}

// An address that was cut off is not usable.
bool is_address(const FixedString<160>& url) {
    return url.view().starts_with("https://") && url.size() < url.capacity();
}

void read_args(JsonReader& reader, Command& command) {
    if (reader.token() != JsonToken::kBeginObject) return;
    while (reader.next() == JsonToken::kKey) {
        const bool is_length = reader.is("seconds");
        const bool is_stream = reader.is("stream");
        const bool is_url = reader.is("url");
        reader.next();
        if (is_length) command.length_ms = read_length(reader);
        if (is_stream) command.stream = reader.token() == JsonToken::kTrue;
        if (is_url) read_text(reader, command.url);
        if (!reader.skip()) return;
    }
}

}  // namespace

std::optional<Command> read_command(Bytes payload) {
    Command command;
    std::optional<CommandType> type;
    const bool is_whole = read_object(payload, [&](std::string_view key, JsonReader& value) {
        if (key == "command") type = read_type(value);
        if (key == "id") read_text(value, command.id);
        if (key == "args") read_args(value, command);
        if (key == "expires") command.expires_s = value.integer();
    });
    if (!is_whole) return std::nullopt;
    const bool is_known = type && (*type != CommandType::kUpdate || is_address(command.url));
    if (!is_known && command.id.empty()) return std::nullopt;
    command.type = is_known ? *type : CommandType::kUnknown;
    return command;
}

}  // namespace stetho
