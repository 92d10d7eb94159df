#include "core/storage/settings.h"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "tests/fake_storage.h"
#include "tests/stored_settings.h"

using namespace stetho;
using test::FakeStorage;
using test::load;
using test::save;

namespace {

const std::string kCertificate =
    "-----BEGIN CERTIFICATE-----\r\nMIIBszCCAVmg+/AwIB==\nAgIUD%\n-----END CERTIFICATE-----\n";

Settings whole() {
    Settings settings;
    settings.wifi_ssid = "Ward 3 & caf\xC3\xA9 100%";
    settings.wifi_password = "correct horse";
    settings.host = "broker.ward-3.example";
    settings.port = 18'883;
    settings.tls = false;
    settings.ca = std::string_view(kCertificate);
    settings.device_id = "st-01";
    settings.password = "p&=+%ss";
    settings.sample_rate_hz = 4'000;
    settings.record_ms = 60'000;
    settings.mode = Mode::kGate;
    settings.models = "heart5,heart2";
    settings.site = "MV";
    settings.amplification = 100;
    settings.gate_permille = 999;
    settings.restart_after_sending = true;
    return settings;
}

std::string lines_of(const Settings& settings) {
    std::array<char, hal::kMaxValueBytes> out;
    return {out.data(), write_lines(settings, out)};
}

std::optional<Settings> read(std::string lines) {
    std::optional<Settings> settings(whole());
    if (!read_lines(lines, *settings)) {
        CHECK(*settings == Settings{});
        settings.reset();
    }
    return settings;
}

std::optional<SettingFault> fill_in(std::string_view form, Settings& settings) {
    std::array<char, hal::kMaxValueBytes> work;
    return read_form(form, settings, work);
}

}  // namespace

TEST_CASE("a5 as delivered: 4 s at 44.1 kHz, TLS, no restart after sending") {
    const Settings settings;
    CHECK(settings.sample_rate_hz == 44'100);
    CHECK(settings.record_ms == 4'000);
    CHECK(settings.mode == Mode::kOnce);
    CHECK(settings.tls);
    CHECK(settings.port == 8883);
    CHECK(settings.gate_permille == 20);
    CHECK_FALSE(settings.restart_after_sending);
    CHECK(settings.host == hal::kAutoHost);
    CHECK(check(settings)->key == "device_id");
}

TEST_CASE("what is stored is what is read, whatever bytes are in it") {
    FakeStorage storage;
    CHECK_FALSE(load(storage));  // empty
    REQUIRE(save(whole(), storage));
    const auto loaded = load(storage);
    REQUIRE(loaded);
    CHECK(*loaded == whole());
    CHECK(loaded->ca.view() == kCertificate);
    storage.is_worn_out = true;
    CHECK_FALSE(save(whole(), storage));
}

TEST_CASE("the longest values fit into one stored value") {
    Settings settings = whole();
    std::string certificate = kCertificate.substr(0, 28);
    while (certificate.size() < 2'048 - 30) certificate += certificate.size() % 65 == 0 ? "\n" : "A";
    certificate += "-----END CERTIFICATE-----\n";
    REQUIRE_FALSE(set(settings, "ca", certificate));
    REQUIRE_FALSE(set(settings, "host", std::string(64, 'h')));
    REQUIRE_FALSE(set(settings, "wifi_ssid", std::string(32, '\x01')));
    REQUIRE_FALSE(set(settings, "wifi_password", std::string(63, '%')));
    REQUIRE_FALSE(set(settings, "password", std::string(64, '%')));
    FakeStorage storage;
    REQUIRE(save(settings, storage));
    CHECK(*load(storage) == settings);
}

TEST_CASE("storage that is damaged anywhere, or cut anywhere, is noticed") {
    const std::string good = lines_of(whole());
    REQUIRE(read(good));
    for (std::size_t at = 0; at < good.size(); ++at) {
        CHECK_FALSE(read(good.substr(0, at)));
        for (int bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
            CHECK_FALSE(read(bad));
        }
    }
    FakeStorage storage;
    storage.values["settings"] = std::string(3'000, '\xFF');
    CHECK_FALSE(load(storage));
    storage.values["settings"] = std::string(4'000, 'x');  // more than there may be
    CHECK_FALSE(load(storage));
}

TEST_CASE("a setting of a newer firmware is passed over, a value that broke its rule is not") {
    // With a valid checksum, so that only the contents decide.
    const auto sealed = [](std::string lines) {
        Settings probe;
        probe.host = "h";
        probe.device_id = "d";
        std::uint32_t crc = 0xFFFF'FFFF;  // CRC-32 of zlib, bit by bit: not the code under test
        for (const char letter : lines) {
            crc ^= static_cast<std::uint8_t>(letter);
            for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0xEDB8'8320U : 0U);
        }
        return lines + "crc=" + std::string(FixedString<8>().append_hex(~crc, 8).view()) + "\n";
    };
    CHECK(read(sealed("host=h\ndevice_id=d\ncolour=blue\n")));
    CHECK_FALSE(read(sealed("host=h\ndevice_id=d\nport=0\n")));
    CHECK_FALSE(read(sealed("host=h\n")));
    CHECK(read(sealed("device_id=d\n")));  // the broker is looked for
}

TEST_CASE("each rule is kept, and its fault named") {
    struct Bad {
        const char* key;
        std::string value;
    };
    const std::vector<Bad> all{
        {"wifi_ssid", std::string(33, 's')},
        {"wifi_password", "short"},
        {"wifi_password", std::string(64, 'p')},
        {"host", "two words"},
        {"host", std::string(65, 'h')},
        {"port", "0"},
        {"port", "65536"},
        {"port", "-1"},
        {"port", "88 "},
        {"port", "99999999999"},
        {"port", ""},
        {"tls", "yes"},
        {"ca", "not a certificate"},
        {"ca", "-----BEGIN CERTIFICATE-----\nAAAA"},
        {"device_id", ""},
        {"device_id", "St-01"},
        {"device_id", "a/b"},
        {"device_id", "#"},
        {"device_id", std::string(33, 'd')},
        {"password", std::string(65, 'p')},
        {"password", "tab\tbed"},
        {"sample_rate", "44101"},
        {"sample_rate", "8000"},
        {"record_ms", "499"},
        {"record_ms", "600001"},
        {"mode", "always"},
        {"models", "heart5;heart2"},
        {"site", "longer than sixteen"},
        {"amplification", "0"},
        {"amplification", "101"},
        {"gate", "0"},
        {"gate", "1000"},
        {"restart", ""},
    };
    for (const Bad& bad : all) {
        CAPTURE(bad.key);
        CAPTURE(bad.value);
        Settings settings = whole();
        const auto fault = set(settings, bad.key, bad.value);
        REQUIRE(fault);
        CHECK(fault->key == bad.key);
        CHECK_FALSE(fault->rule.empty());
        CHECK(settings == whole());
    }
    Settings settings;
    CHECK(set(settings, "colour", "blue")->rule == "no such key");
}

TEST_CASE("without a host the broker is looked for; what is stored says so to older firmware, too") {
    Settings settings = whole();
    REQUIRE_FALSE(fill_in("host=", settings));
    CHECK(settings.host == "auto");
    FakeStorage storage;
    REQUIRE(save(settings, storage));
    CHECK(storage.values["settings"].find("host=auto\n") != std::string::npos);
}

TEST_CASE("a form is taken as a whole, or a fault is named") {
    Settings settings;
    CHECK_FALSE(
        fill_in("wifi_ssid=Ward+3+%26+caf%C3%A9&wifi_password=correct+horse&host=10.0.0.2&port=1883"
                  "&tls=0&device_id=st-02&password=p%26%3D%2B%25ss&sample_rate=16000&mode=stream&&site=",
                  settings));
    CHECK(settings.wifi_ssid == "Ward 3 & caf\xC3\xA9");
    CHECK(settings.password == "p&=+%ss");
    CHECK(settings.mode == Mode::kStream);
    CHECK(settings.sample_rate_hz == 16'000);

    const Settings before = settings;
    for (const char* form : {"host=other&port=99999", "host=other&colour=blue", "host=other&site=%",
                             "host=other&site=%4", "host=other&site=%zz", "device_id=", "="}) {
        CAPTURE(form);
        Settings wanted = before;
        CHECK(fill_in(form, wanted));
    }
    CHECK_FALSE(fill_in("", settings));
    CHECK(settings == before);
}

TEST_CASE("an empty password field keeps the password, an empty site does not keep the site") {
    Settings settings = whole();
    CHECK_FALSE(fill_in("password=&wifi_password=&ca=&site=", settings));
    CHECK(settings.password == whole().password);
    CHECK(settings.wifi_password == whole().wifi_password);
    CHECK(settings.ca == whole().ca);
    CHECK(settings.site.empty());
}

TEST_CASE("a form of any bytes and any length does no harm") {
    std::mt19937 random(5);
    for (int round = 0; round < 2'000; ++round) {
        std::string form;
        const auto length = random() % 300;
        constexpr std::string_view kLetters = "abchostporta=&%+0123456789\n\xFF";
        for (unsigned at = 0; at < length; ++at) form += kLetters[random() % kLetters.size()];
        Settings settings = whole();
        if (!fill_in(form, settings)) CHECK_FALSE(check(settings));
        read(form);
    }
    Settings settings = whole();
    CHECK(fill_in("ca=" + std::string(100'000, 'A'), settings)->key == "ca");
    CHECK(settings == whole());
}

TEST_CASE("the microphone is clocked at what it can") {
    CHECK(capture_rate_hz(44'100) == 44'100);
    CHECK(capture_rate_hz(16'000) == 16'000);
    CHECK(capture_rate_hz(4'000) == 16'000);
}

TEST_CASE("a network of the list comes as hexadecimal digits, since its name need not be text") {
    Settings settings = whole();
    settings.wifi_ssid = "ward";
    settings.wifi_password = "password";
    CHECK_FALSE(fill_in("wifi_pick=&wifi_ssid=ward&wifi_password=", settings));
    CHECK(settings.wifi_ssid == "ward");
    CHECK(settings.wifi_password == "password");
    CHECK_FALSE(fill_in("wifi_pick=fffe22&wifi_ssid=ward&wifi_password=another1", settings));
    CHECK(settings.wifi_ssid == "\xff\xfe\"");
    CHECK(settings.wifi_password == "another1");
    CHECK_FALSE(fill_in("wifi_pick=677565737473&wifi_password=", settings));
    CHECK(settings.wifi_ssid == "guests");
    CHECK(settings.wifi_password.empty());  // an open one: the password of another does not fit
    for (const char* wrong : {"f", "xy", "f%66"}) {
        const auto fault = fill_in(std::string("wifi_pick=") + wrong, settings);
        REQUIRE(fault);
        CHECK(fault->key == "wifi_pick");
    }
    CHECK(fill_in("wifi_pick=" + std::string(66, 'a'), settings));
}
