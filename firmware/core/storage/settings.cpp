#include "core/storage/settings.h"

#include <algorithm>
#include <array>

#include "core/wire/crc32.h"
#include "core/wire/topic.h"

namespace stetho {
namespace {

constexpr std::size_t kLongestValue = 2048;  // of `ca`
using Value = FixedString<kLongestValue>;

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
    text = value;
    return true;
}

template <class Number>
bool parse(Number& number, std::string_view value, std::uint32_t least, std::uint32_t most) {
    if (value.empty() || value.size() > 9) return false;  // fits 32 bits
    std::uint32_t read = 0;
    for (const char digit : value) {
        if (digit < '0' || digit > '9') return false;
        read = read * 10 + static_cast<std::uint32_t>(digit - '0');
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
    void (*write)(const Settings&, Value&);
};

#define STETHO_TEXT(member, is_good)                                                       \
    [](Settings& to, std::string_view value) { return parse(to.member, value, is_good); }, \
        [](const Settings& from, Value& out) { out.append(from.member); }
#define STETHO_NUMBER(member, least, most)                                                     \
    [](Settings& to, std::string_view value) { return parse(to.member, value, least, most); }, \
        [](const Settings& from, Value& out) { out.append_number(from.member); }

// clang-format off
constexpr std::array<Field, 16> kFields{{
    {"wifi_ssid", "at most 32 bytes", false, STETHO_TEXT(wifi_ssid, true)},
    {"wifi_password", "8 to 63 characters, or empty", true,
     STETHO_TEXT(wifi_password, value.empty() || (value.size() >= 8 && is_all(value, is_printable)))},
    {"host", "name or address, 1 to 64 characters", false,
     STETHO_TEXT(host, !value.empty() && is_all(value, is_host_character))},
    {"port", "1 to 65535", false, STETHO_NUMBER(port, 1, 65'535)},
    {"tls", "0 or 1", false,
     [](Settings& to, std::string_view value) { return parse(to.tls, value); },
     [](const Settings& from, Value& out) { out.append_number(from.tls); }},
    {"ca", "a certificate as PEM, at most 2048 bytes", true,
     STETHO_TEXT(ca, value.empty() || is_certificate(value))},
    {"device_id", "1 to 32 of a-z 0-9 -", false, STETHO_TEXT(device_id, is_device_id(value))},
    {"password", "at most 64 characters", true, STETHO_TEXT(password, is_all(value, is_printable))},
    {"sample_rate", "44100, 16000 or 4000", false,
     [](Settings& to, std::string_view value) {
         return (value == "44100" || value == "16000" || value == "4000") &&
                parse(to.sample_rate_hz, value, 4'000, 44'100);
     },
     [](const Settings& from, Value& out) { out.append_number(from.sample_rate_hz); }},
    {"record_ms", "500 to 600000", false, STETHO_NUMBER(record_ms, 500, 600'000)},
    {"mode", "once, stream or gate", false,
     [](Settings& to, std::string_view value) { return parse(to.mode, value); },
     [](const Settings& from, Value& out) { out.append(kModes[static_cast<std::size_t>(from.mode)]); }},
    {"models", "names between commas, at most 64 characters", false,
     STETHO_TEXT(models, is_all(value, is_models_character))},
    {"site", "at most 16 characters", false, STETHO_TEXT(site, is_all(value, is_printable))},
    {"amplification", "1 to 100", false, STETHO_NUMBER(amplification, 1, 100)},
    {"gate", "1 to 999 thousandths of full scale", false, STETHO_NUMBER(gate_permille, 1, 999)},
    {"restart", "0 or 1", false,
     [](Settings& to, std::string_view value) { return parse(to.restart_after_sending, value); },
     [](const Settings& from, Value& out) { out.append_number(from.restart_after_sending); }},
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

// Decodes `%0A` (and `+`, in a form) into `out`. False: a broken escape, or too long.
bool unescape(std::string_view text, bool is_form, Value& out) {
    out.clear();
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            out.append(is_form && text[at] == '+' ? ' ' : text[at]);
            continue;
        }
        if (at + 2 >= text.size()) return false;
        const int high = hex_digit(text[at + 1]);
        const int low = hex_digit(text[at + 2]);
        if (high < 0 || low < 0) return false;
        out.append(static_cast<char>(high << 4 | low));
        at += 2;
    }
    return !out.is_cut();
}

// Removes the text before the next `mark`, and the mark, from the front of `text`; returns that text.
std::string_view take_until(std::string_view& text, char mark) {
    const std::size_t end = text.find(mark);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

class LineWriter {
  public:
    explicit LineWriter(std::span<char> out) : out_(out) {}

    void put(std::string_view text) {
        is_cut_ = is_cut_ || text.size() > out_.size() - size_;
        if (is_cut_) return;
        std::copy(text.begin(), text.end(), out_.begin() + static_cast<std::ptrdiff_t>(size_));
        size_ += text.size();
    }

    void put_escaped(std::string_view value) {
        for (const char letter : value) {
            if (letter != '%' && static_cast<unsigned char>(letter) >= ' ')
                put({&letter, 1});
            else
                put(FixedString<3>("%").append_hex(static_cast<unsigned char>(letter), 2));
        }
    }

    std::string_view written() const { return {out_.data(), size_}; }
    std::size_t size() const { return is_cut_ ? 0 : size_; }

  private:
    std::span<char> out_;
    std::size_t size_ = 0;
    bool is_cut_ = false;
};

constexpr std::string_view kChecksumKey = "crc=";
constexpr std::size_t kChecksumLineBytes = 13;  // "crc=00000000\n"

// Returns the last line of what is stored: the checksum of `lines`.
FixedString<kChecksumLineBytes> checksum_line(std::string_view lines) {
    const Bytes bytes(reinterpret_cast<const std::uint8_t*>(lines.data()), lines.size());
    return FixedString<kChecksumLineBytes>(kChecksumKey).append_hex(crc32(bytes), 8).append('\n');
}

}  // namespace

std::optional<SettingFault> set(Settings& settings, std::string_view key, std::string_view value) {
    const Field* field = field_of(key);
    if (field == nullptr) return SettingFault{"", "no such setting"};
    if (!field->read(settings, value)) return SettingFault{field->key, field->rule};
    return std::nullopt;
}

std::optional<SettingFault> check(const Settings& settings) {
    if (settings.host.empty()) return SettingFault{"host", field_of("host")->rule};
    if (settings.device_id.empty()) return SettingFault{"device_id", field_of("device_id")->rule};
    return std::nullopt;
}

std::optional<SettingFault> read_form(std::string_view form, Settings& settings) {
    Settings wanted = settings;
    Value value;
    while (!form.empty()) {
        std::string_view pair = take_until(form, '&');
        if (pair.empty()) continue;
        const std::string_view key = take_until(pair, '=');
        const Field* field = field_of(key);
        if (field == nullptr) return SettingFault{"", "no such setting"};
        if (!unescape(pair, true, value)) return SettingFault{field->key, field->rule};
        if (field->is_secret && value.empty()) continue;
        if (!field->read(wanted, value)) return SettingFault{field->key, field->rule};
    }
    if (const auto fault = check(wanted)) return fault;
    settings = wanted;
    return std::nullopt;
}

std::size_t write_lines(const Settings& settings, std::span<char> out) {
    LineWriter writer(out);
    Value value;
    for (const Field& field : kFields) {
        value.clear();
        field.write(settings, value);
        writer.put(field.key);
        writer.put("=");
        writer.put_escaped(value);
        writer.put("\n");
    }
    writer.put(checksum_line(writer.written()));
    return writer.size();
}

std::optional<Settings> read_lines(std::string_view lines) {
    if (lines.size() < kChecksumLineBytes) return std::nullopt;
    const std::string_view checksum = lines.substr(lines.size() - kChecksumLineBytes);
    lines.remove_suffix(kChecksumLineBytes);
    if (checksum_line(lines) != checksum) return std::nullopt;
    std::optional<Settings> settings(std::in_place);
    Value value;
    while (!lines.empty()) {
        std::string_view line = take_until(lines, '\n');
        const Field* field = field_of(take_until(line, '='));
        if (field == nullptr) continue;
        if (!unescape(line, false, value) || !field->read(*settings, value)) return std::nullopt;
    }
    if (check(*settings)) return std::nullopt;
    return settings;
}

std::optional<Settings> load_settings(hal::Storage& storage) {
    std::array<char, hal::kMaxValueBytes> lines;
    const auto size = storage.get(kSettingsKey, lines);
    if (!size || *size > lines.size()) return std::nullopt;
    return read_lines({lines.data(), *size});
}

bool save_settings(const Settings& settings, hal::Storage& storage) {
    std::array<char, hal::kMaxValueBytes> lines;
    const std::size_t size = write_lines(settings, lines);
    return size > 0 && storage.put(kSettingsKey, {lines.data(), size});
}

}  // namespace stetho
