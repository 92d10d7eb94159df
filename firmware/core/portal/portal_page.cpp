#include "core/portal/portal_page.h"

#include <algorithm>

#include "core/portal/page_writer.h"

namespace stetho {
namespace {

constexpr std::string_view kHead = R"(<!doctype html><html lang=en><meta charset=utf-8>
<meta name=viewport content="width=device-width"><title>Stethoscope</title><style>
body{font:16px sans-serif;max-width:28em;margin:1em auto;padding:0 1em}label{display:block;margin:.8em 0}
input,select,textarea,button{width:100%;box-sizing:border-box;font:inherit;padding:.4em}
input[type=checkbox]{width:auto}fieldset{margin:1em 0}</style><h1>Stethoscope</h1>)";

constexpr std::string_view kWifi = R"(<p>Research and education, not a medical device.</p>
<form method=post action="/"><fieldset><legend>Wi-Fi, 2.4 GHz</legend>
<label>Network<select name=wifi_pick><option value="">the name below</option>)";

constexpr std::string_view kName = R"(</select></label><a href="/search">Search again</a> (takes a few seconds)
<label>Its name, if it is not in the list<input name=wifi_ssid maxlength=32 value=")";

constexpr std::string_view kPassword = R"("></label>
<label>Its password<input id=w name=wifi_password type=password maxlength=63 autocomplete=off></label>
</fieldset><fieldset><legend>Broker</legend>
<label>Name or address, or auto: it is looked for<input name=host maxlength=64 value=")";

constexpr std::string_view kPort = R"("></label>
<label>Port<input name=port type=number min=1 max=65535 value=")";

constexpr std::string_view kDevice = R"("></label>
<label>CA certificate: the text of ca.pem<textarea name=ca rows=4></textarea></label>
<label>Device id<input name=device_id maxlength=32 pattern="[a-z0-9-]+" required value=")";

constexpr std::string_view kEnd = R"("></label>
<label>Device password<input id=p name=password type=password maxlength=64 autocomplete=off></label></fieldset>
<label><input type=checkbox onclick="w.type=p.type=checked?'text':'password'"> Show passwords</label>
<p>A password or certificate that is left empty stays as it is. Another network without a password is an open one.</p>
<input type=hidden id=t name=time><button>Save</button></form>
<script>t.value=Math.floor(Date.now()/1000)</script></html>)";

constexpr std::string_view kTaken = R"(<h2>Received</h2><p>The display says whether it connects. If it does
not, hold the button for 3 seconds and join its Wi-Fi again.</p></html>)";

std::string_view strength(std::int8_t rssi_dbm) {
    return rssi_dbm >= -60 ? "strong" : rssi_dbm >= -75 ? "good" : "weak";
}

}  // namespace

PortalTarget portal_target(std::string_view path) {
    path = path.substr(0, path.find('?'));
    return path == "/" ? PortalTarget::kForm : path == "/search" ? PortalTarget::kSearch : PortalTarget::kElsewhere;
}

PortalValues values_of(const hal::AccessPoint& access_point) {
    return {access_point.wifi_ssid, access_point.host, access_point.port, access_point.device_id};
}

bool write_form(const PortalValues& values, const NetworkList& networks, const PageOut& out) {
    PageWriter page(out);
    page.html(kHead).html(kWifi);
    for (const HeardNetwork& network : networks.networks()) {
        page.html("<option value=").hex(network.ssid).html(">").text(network.ssid).html(" (");
        page.html(strength(network.rssi_dbm)).html(network.has_password ? ", password)" : ", open)");
    }
    page.html(kName).text(values.wifi_ssid).html(kPassword).text(values.host);
    page.html(kPort).text(FixedString<5>().append_number(values.port));
    page.html(kDevice).text(values.device_id).html(kEnd);
    return page.flush();
}

bool write_reply(const std::optional<SettingFault>& fault, const PageOut& out) {
    PageWriter page(out);
    page.html(kHead);
    if (!fault) return page.html(kTaken).flush();
    page.html("<h2>Not saved</h2><p><b>").text(fault->key.empty() ? "form" : fault->key).html("</b>: ");
    page.text(fault->rule).html("</p><p><a href=\"/\" onclick=\"history.back();return false\">Correct it</a></html>");
    return page.flush();
}

}  // namespace stetho
