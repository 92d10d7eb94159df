#include "core/storage/settings.h"

#include <algorithm>
#include <array>
#include <memory>

#include "core/storage/line_writer.h"
#include "core/wire/crc32.h"
#include "core/wire/topic.h"

namespace stetho {
namespace {

bool is_all(std::string_view text, bool (*is_good)(char)) {
    return std::all_of(text.begin(), text.end(), is_good);
}
bool is_printable(char letter) { return letter >= ' ' && letter <= '~'; }
bool is_alphanumeric(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9');
}
bool is_host_character(char letter) {
    return is_alphanumeric(letter) || letter == '.' || letter == '-' || letter == ':';
}
bool is_models_character(char letter) {
    return is_alphanumeric(letter) || letter == '_' || letter == '-' || letter == ',';
}

template <std::size_t N>
bool parse(FixedString<N>& text, std::string_view value, bool is_good) {
    if (!is_good || value.size() > N) return false;
    text.clear();
    text.append(value);
    return true;
}

template <class Number>
bool parse(Number& number, std::string_view value, std::uint32_t least, std::uint32_t most) {
    if (value.empty() || value.size() > 10) return false;
    std::uint64_t read = 0;
    for (const char digit : value) {
        if (digit < '0' || digit > '9') return false;
        read = read * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    if (read < least || read > most) return false;
    number = static_cast<Number>(read);
    return true;
}

bool parse(bool& flag, std::string_view value) {
    if (value != "0" && value != "1") return false;
    flag = value == "1";
    return true;
}

constexpr std::array<std::string_view, 3> kModes{"once", "stream", "gate"};

bool parse(Mode& mode, std::string_view value) {
    const auto found = std::find(kModes.begin(), kModes.end(), value);
    if (found == kModes.end()) return false;
    mode = static_cast<Mode>(found - kModes.begin());
    return true;
}

bool is_certificate(std::string_view value) {
    constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
    return value.starts_with(kBegin) && value.find("-----END CERTIFICATE-----") != std::string_view::npos;
}

// One setting: key, rule, and how to read and write its value.
struct Field {
    std::string_view key;
    std::string_view rule;
    bool is_secret;  // an empty one in a form keeps what is there
    bool (*read)(Settings&, std::string_view);
    void (*write)(const Settings&, LineWriter&);
};

#define STETHO_TEXT(member, is_good)                                                       \
    [](Settings& to, std::string_view value) { return parse(to.member, value, is_good); }, \
        [](const Settings& from, LineWriter& out) { out.put_escaped(from.member); }
#define STETHO_NUMBER(member, least, most)                                                     \
    [](Settings& to, std::string_view value) { return parse(to.member, value, least, most); }, \
        [](const Settings& from, LineWriter& out) { out.put_number(from.member); }

// clang-format off
constexpr std::array<Field, 17> kFields{{
    {"wifi_ssid", "at most 32 bytes", false, STETHO_TEXT(wifi_ssid, true)},
    {"wifi_password", "8 to 63 characters, or empty", true,
     STETHO_TEXT(wifi_password, value.empty() || (value.size() >= 8 && is_all(value, is_printable)))},
    {"host", "name, address or auto, at most 64 characters", false,
     [](Settings& to, std::string_view value) {
         return parse(to.host, value.empty() ? hal::kAutoHost : value, is_all(value, is_host_character));
     },
     [](const Settings& from, LineWriter& out) { out.put_escaped(from.host); }},
    {"port", "1 to 65535", false, STETHO_NUMBER(port, 1, 65'535)},
    {"tls", "0 or 1", false,
     [](Settings& to, std::string_view value) { return parse(to.tls, value); },
     [](const Settings& from, LineWriter& out) { out.put_number(from.tls); }},
    {"ca", "a certificate as PEM, at most 2048 bytes", true,
     STETHO_TEXT(ca, value.empty() || is_certificate(value))},
    {"device_id", "1 to 32 of a-z 0-9 -", false, STETHO_TEXT(device_id, is_device_id(value))},
    {"password", "at most 64 characters", true, STETHO_TEXT(password, is_all(value, is_printable))},
    {"sample_rate", "44100, 16000 or 4000", false,
     [](Settings& to, std::string_view value) {
         return (value == "44100" || value == "16000" || value == "4000") &&
                parse(to.sample_rate_hz, value, 4'000, 44'100);
     },
     [](const Settings& from, LineWriter& out) { out.put_number(from.sample_rate_hz); }},
    {"record_ms", "500 to 600000", false, STETHO_NUMBER(record_ms, 500, 600'000)},
    {"mode", "once, stream or gate", false,
     [](Settings& to, std::string_view value) { return parse(to.mode, value); },
     [](const Settings& from, LineWriter& out) { out.put(kModes[static_cast<std::size_t>(from.mode)]); }},
    {"models", "names between commas, at most 64 characters", false,
     STETHO_TEXT(models, is_all(value, is_models_character))},
    {"site", "at most 16 characters", false, STETHO_TEXT(site, is_all(value, is_printable))},
    {"amplification", "1 to 100", false, STETHO_NUMBER(amplification, 1, 100)},
    {"gate", "1 to 999 thousandths of full scale", false, STETHO_NUMBER(gate_permille, 1, 999)},
    {"restart", "0 or 1", false,
     [](Settings& to, std::string_view value) { return parse(to.restart_after_sending, value); },
     [](const Settings& from, LineWriter& out) { out.put_number(from.restart_after_sending); }},
    {"time", "seconds since 1970", true, STETHO_NUMBER(time_s, 0, 4'294'967'295)},
}};
// clang-format on

#undef STETHO_TEXT
#undef STETHO_NUMBER

const Field* field_of(std::string_view key) {
    const auto found =
        std::find_if(kFields.begin(), kFields.end(), [&](const Field& field) { return field.key == key; });
    return found == kFields.end() ? nullptr : &*found;
}

int hex_digit(char letter) {
    if (letter >= '0' && letter <= '9') return letter - '0';
    if (letter >= 'a' && letter <= 'f') return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F') return letter - 'A' + 10;
    return -1;
}

// Decodes `%0A` (and `+`, in a form) into `out`, which may begin where `text` does: a value is never longer
// than its code. Nothing: a broken escape, or too long.
std::optional<std::string_view> unescape(std::string_view text, bool is_form, std::span<char> out) {
    std::size_t size = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (size == out.size()) return std::nullopt;
        if (text[at] != '%') {
            out[size++] = is_form && text[at] == '+' ? ' ' : text[at];
            continue;
        }
        if (at + 2 >= text.size()) return std::nullopt;
        const int high = hex_digit(text[at + 1]);
        const int low = hex_digit(text[at + 2]);
        if (high < 0 || low < 0) return std::nullopt;
        out[size++] = static_cast<char>(high << 4 | low);
        at += 2;
    }
    return std::string_view(out.data(), size);
}

// Decodes hexadecimal digits. False: something else, or too long.
template <std::size_t N>
bool parse_hex(FixedString<N>& bytes, std::string_view digits) {
    if (digits.size() % 2 != 0 || digits.size() > 2 * N) return false;
    bytes.clear();
    for (std::size_t at = 0; at < digits.size(); at += 2) {
        const int high = hex_digit(digits[at]);
        const int low = hex_digit(digits[at + 1]);
        if (high < 0 || low < 0) return false;
        bytes.append(static_cast<char>(high << 4 | low));
    }
    return true;
}

constexpr std::string_view kPickedKey = "wifi_pick";

// Removes the text before the next `mark`, and the mark, from the front of `text`; returns that text.
std::string_view take_until(std::string_view& text, char mark) {
    const std::size_t end = text.find(mark);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

constexpr std::string_view kChecksumKey = "crc=";
constexpr std::size_t kChecksumLineBytes = 13;  // "crc=00000000\n"

// Returns the last line of what is stored: the checksum of `lines`.
FixedString<kChecksumLineBytes> checksum_line(std::string_view lines) {
    const Bytes bytes(reinterpret_cast<const std::uint8_t*>(lines.data()), lines.size());
    return FixedString<kChecksumLineBytes>(kChecksumKey).append_hex(crc32(bytes), 8).append('\n');
}

// Applies lines that end in their checksum, decoded in place. False: damaged, or a value that breaks its rule.
bool read_sealed(std::span<char> lines, Settings& settings) {
    std::string_view text(lines.data(), lines.size());
    if (text.size() < kChecksumLineBytes) return false;
    const std::string_view checksum = text.substr(text.size() - kChecksumLineBytes);
    text.remove_suffix(kChecksumLineBytes);
    if (checksum_line(text) != checksum) return false;
    while (!text.empty()) {
        std::string_view line = take_until(text, '\n');
        const Field* field = field_of(take_until(line, '='));
        if (field == nullptr) continue;
        const std::span<char> place = lines.subspan(static_cast<std::size_t>(line.data() - lines.data()), line.size());
        const auto value = unescape(line, false, place);
        if (!value || !field->read(settings, *value)) return false;
    }
    return true;
}

}  // namespace

std::optional<SettingFault> set(Settings& settings, std::string_view key, std::string_view value) {
    const Field* field = field_of(key);
    if (field == nullptr) return SettingFault{"", "no such key"};
    if (!field->read(settings, value)) return SettingFault{field->key, field->rule};
    return std::nullopt;
}

std::optional<SettingFault> check(const Settings& settings) {
    if (settings.device_id.empty()) return SettingFault{"device_id", field_of("device_id")->rule};
    return std::nullopt;
}

std::optional<SettingFault> read_form(std::string_view form, Settings& settings, SettingsText work) {
    const FixedString<32> ssid_before(settings.wifi_ssid);
    std::string_view picked;
    bool has_password = false;
    while (!form.empty()) {
        std::string_view pair = take_until(form, '&');
        if (pair.empty()) continue;
        const std::string_view key = take_until(pair, '=');
        if (key == kPickedKey) {
            picked = pair;
            continue;
        }
        const Field* field = field_of(key);
        if (field == nullptr) return SettingFault{"", "no such key"};
        has_password = has_password || (key == "wifi_password" && !pair.empty());
        const auto value = unescape(pair, true, work);
        if (value && field->is_secret && value->empty()) continue;
        if (!value || !field->read(settings, *value)) return SettingFault{field->key, field->rule};
    }
    if (!picked.empty() && !parse_hex(settings.wifi_ssid, picked)) return SettingFault{kPickedKey, "a network of the list"};
    // The password of one network is not that of another; joined with it, an open one would be refused.
    if (settings.wifi_ssid != ssid_before && !has_password) settings.wifi_password.clear();
    return check(settings);
}

std::size_t write_lines(const Settings& settings, std::span<char> out) {
    LineWriter writer(out);
    for (const Field& field : kFields) {
        writer.put(field.key);
        writer.put("=");
        field.write(settings, writer);
        writer.put("\n");
    }
    writer.put(checksum_line(writer.written()));
    return writer.size();
}

bool read_lines(std::span<char> lines, Settings& settings) {
    std::construct_at(&settings);
    if (read_sealed(lines, settings) && !check(settings)) return true;
    std::construct_at(&settings);
    return false;
}

bool load_settings(hal::Storage& storage, Settings& settings, SettingsText work) {
    const auto size = storage.get(kSettingsKey, work);
    return read_lines(work.first(size && *size <= work.size() ? *size : 0), settings);
}

bool save_settings(const Settings& settings, hal::Storage& storage, SettingsText work) {
    const std::size_t size = write_lines(settings, work);
    return size > 0 && storage.put(kSettingsKey, {work.data(), size});
}

}  // namespace stetho
