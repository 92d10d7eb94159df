#include "core/portal/portal_page.h"

#include <doctest/doctest.h>

#include <string>

using namespace stetho;

namespace {

PageOut into(std::string& page) {
    return {[](void* self, std::string_view piece) {
                static_cast<std::string*>(self)->append(piece);
                return true;
            },
            &page};
}

std::string form(const NetworkList& networks, const PortalValues& values = {}) {
    std::string page;
    CHECK(write_form(values, networks, into(page)));
    CHECK(page.size() <= kMaxPageBytes);
    return page;
}

bool has(const std::string& page, const std::string& part) { return page.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the form lists the networks, the strongest first, with what a person needs to know of them") {
    NetworkList networks;
    networks.add("far", -82, true);
    networks.add("Ward 3", -48, true);
    networks.add("guests", -70, false);
    networks.add("Ward 3", -60, true);       // another access point of it
    networks.add("", -40, true);             // hides its name
    networks.add({"\0\0\0", 3}, -40, true);  // in another way
    const std::string page = form(networks);
    const std::size_t first = page.find("<option value=576172642033>Ward 3 (strong, password)");
    const std::size_t second = page.find("<option value=677565737473>guests (good, open)");
    const std::size_t third = page.find("<option value=666172>far (weak, password)");
    CHECK(first < second);
    CHECK(second < third);
    CHECK(third != std::string::npos);
    CHECK(networks.networks().size() == 3);
}

TEST_CASE("the form shows what is set, and no secret") {
    PortalValues values;
    values.wifi_ssid = "a\"b";
    values.host = "broker";
    values.port = 1883;
    values.device_id = "st-01";
    const std::string page = form({}, values);
    CHECK(has(page, "name=wifi_ssid maxlength=32 value=\"a&quot;b\""));
    CHECK(has(page, "value=\"broker\""));
    CHECK(has(page, "value=\"1883\""));
    CHECK(has(page, "value=\"st-01\""));
    CHECK_FALSE(has(page, "http"));  // it works without Internet: nothing is loaded from elsewhere
}

TEST_CASE("a network's name is text on the page, whatever is in it") {
    struct Case {
        std::string ssid, shown;
    };
    const Case cases[] = {
        {"</select><script>alert(1)", "&lt;/select&gt;&lt;script&gt;alert(1)"},
        {"'\"&", "&#39;&quot;&amp;"},
        {"K\xc3\xbc\x63he", "K\xc3\xbc\x63he"},
        {"\xf0\x9f\xa9\xba", "\xf0\x9f\xa9\xba"},                            // four bytes, whole
        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},                            // no UTF-8
        {"a\xc3", "a\xef\xbf\xbd"},                                          // cut off
        {"\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd"},                            // '<' in a form too long
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},            // half a pair of UTF-16
        {"\xe2\x80\xae" "x", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" "x"},    // turns the line around
        {std::string("\n\0\x7f", 3), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
    };
    for (const Case& each : cases) {
        NetworkList networks;
        networks.add(each.ssid, -50, true);
        CHECK(has(form(networks), ">" + each.shown + " (strong, password)"));
    }
}

TEST_CASE("a radio full of networks makes no larger page") {
    NetworkList networks;
    for (int number = 0; number < 200; ++number)
        networks.add(std::string(29, '"') + std::to_string(100 + number), static_cast<std::int8_t>(-90 + number % 60),
                     true);
    CHECK(networks.networks().size() == NetworkList::kMax);
    CHECK(networks.networks().front().rssi_dbm == -31);
    form(networks);
    std::string cut;
    const PageOut full{[](void*, std::string_view) { return false; }, &cut};
    CHECK_FALSE(write_form({}, networks, full));
}

TEST_CASE("what a phone looks for leads to the form") {
    CHECK(portal_target("/") == PortalTarget::kForm);
    CHECK(portal_target("/?x=1") == PortalTarget::kForm);
    CHECK(portal_target("/search") == PortalTarget::kSearch);
    for (const char* probe : {"/generate_204", "/gen_204", "/hotspot-detect.html", "/library/test/success.html",
                              "/connecttest.txt", "/ncsi.txt", "/canonical.html", "/success.txt", "", "//", "*"})
        CHECK(portal_target(probe) == PortalTarget::kElsewhere);
}

TEST_CASE("the answer names the field that is wrong, and its rule") {
    std::string page;
    CHECK(write_reply(SettingFault{"port", "1 to 65535"}, into(page)));
    CHECK(has(page, "<b>port</b>: 1 to 65535"));
    page.clear();
    CHECK(write_reply(std::nullopt, into(page)));
    CHECK(has(page, "Received"));
}
