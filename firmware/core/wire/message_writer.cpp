#include "core/wire/message_writer.h"

#include "core/wire/fixed_string.h"
#include "core/wire/json_writer.h"
#include "core/wire/rfc3339.h"

namespace stetho {
namespace {

constexpr std::size_t kMostModels = 8;

std::string_view to_string(DeviceState state) {
    constexpr std::string_view kWords[] = {"online", "recording", "offline", "lost"};
    return kWords[static_cast<std::size_t>(state)];
}

FixedString<8> boot_name(std::uint32_t boot) {
    FixedString<8> name;
    name.append_hex(boot, 8);
    return name;
}

// Writes names that are separated by commas as an array; leaves out empty ones.
void write_names(JsonWriter& json, std::string_view names) {
    json.begin_array();
    for (std::size_t count = 0; !names.empty() && count < kMostModels; ++count) {
        const std::string_view name = names.substr(0, names.find(','));
        names.remove_prefix(std::min(names.size(), name.size() + 1));
        if (!name.empty()) json.string(name);
    }
    json.end_array();
}

}  // namespace

std::size_t write_state(DeviceState state, std::uint32_t boot, WritableBytes out, bool is_safe_mode) {
    JsonWriter json(out);
    json.begin_object().key("state").string(to_string(state)).key("boot").string(boot_name(boot));
    if (is_safe_mode) json.key("safe_mode").boolean(true);
    json.end_object();
    return json.size();
}

std::size_t write_answer(std::string_view id, const CommandAnswer& answer, WritableBytes out) {
    JsonWriter json(out);
    json.begin_object().key("id").string(id).key("answer").string(answer.is_done ? "done" : "refused");
    if (!answer.reason.empty()) json.key("reason").string(answer.reason);
    json.end_object();
    return json.size();
}

std::size_t write_meta(const Meta& meta, WritableBytes out) {
    JsonWriter json(out);
    json.begin_object().key("captured_at");
    if (meta.captured_unix_ms) {
        json.string(rfc3339(*meta.captured_unix_ms));
    } else {
        json.null();
    }
    if (!meta.models.empty()) write_names(json.key("models"), meta.models);
    if (!meta.site.empty()) json.key("site").string(meta.site);
    if (meta.amplification != 1) json.key("amplification").integer(meta.amplification);
    if (meta.boot) json.key("boot").string(boot_name(*meta.boot));
    if (meta.uptime_ms) json.key("uptime_ms").integer(static_cast<std::int64_t>(*meta.uptime_ms));
    if (meta.battery_percent) json.key("battery_percent").integer(*meta.battery_percent);
    if (meta.is_cut_off) json.key("cut_off").boolean(true);
    json.end_object();
    return json.size();
}

std::size_t write_info(const Info& info, WritableBytes out) {
    JsonWriter json(out);
    json.begin_object().key("firmware").string(info.firmware).key("hardware").string(info.hardware);
    json.key("formats").begin_array().string("s16le").end_array();
    json.key("sample_rate").integer(info.sample_rate_hz).key("buffer_bytes").integer(info.buffer_bytes);
    if (info.flash_bytes > 0) json.key("flash_bytes").integer(info.flash_bytes);
    if (info.has_battery) json.key("battery").boolean(true);
    if (!info.crash.empty()) json.key("crash").string(info.crash);
    if (info.lacks_psram) json.key("psram").string("not found");
    if (info.is_safe_mode) json.key("safe_mode").boolean(true);
    json.end_object();
    return json.size();
}

std::size_t write_telemetry(const Telemetry& telemetry, WritableBytes out) {
    JsonWriter json(out);
    json.begin_object();
    if (telemetry.rssi_dbm) json.key("rssi").integer(*telemetry.rssi_dbm);
    if (telemetry.free_heap_bytes) json.key("free_heap").integer(*telemetry.free_heap_bytes);
    json.key("uptime_ms").integer(static_cast<std::int64_t>(telemetry.uptime_ms));
    json.key("samples_dropped").integer(telemetry.samples_dropped);
    json.key("recordings_kept").integer(telemetry.recordings_kept);
    json.key("recordings_in_flash").integer(telemetry.recordings_in_flash);
    if (!telemetry.reset_reason.empty()) json.key("reset_reason").string(telemetry.reset_reason);
    if (!telemetry.microphone.empty()) json.key("microphone").string(telemetry.microphone);
    if (!telemetry.display.empty()) json.key("display").string(telemetry.display);
    if (telemetry.battery_percent) json.key("battery_percent").integer(*telemetry.battery_percent);
    if (telemetry.battery_mv) json.key("battery_mv").integer(*telemetry.battery_mv);
    if (telemetry.is_charging) json.key("charging").boolean(*telemetry.is_charging);
    if (!telemetry.stacks.empty()) {
        json.key("stack_left").begin_object();
        for (const hal::StackLeft& stack : telemetry.stacks) json.key(stack.task).integer(stack.bytes);
        json.end_object();
    }
    if (!telemetry.last_error.empty()) json.key("last_error").string(telemetry.last_error);
    json.end_object();
    return json.size();
}

}  // namespace stetho
