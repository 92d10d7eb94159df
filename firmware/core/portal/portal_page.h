// Pages of the provisioning form as HTML, for a phone without Internet: one page, no other file.
//
// Names of networks come from whoever has a radio: none of their bytes reaches the page unescaped, and what is
// no text is shown as such. A page is at most kMaxPageBytes. No state: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/portal/network_list.h"
#include "core/storage/settings.h"
#include "hal/network.h"

namespace stetho {

inline constexpr std::size_t kMaxPageBytes = 12'288;

// Where the device is found on its access point.
inline constexpr std::string_view kPortalUrl = "http://192.168.4.1/";

// What a request asks for. A phone that looks for the Internet asks for some other page: it is sent to the
// form, and shows that by itself.
enum class PortalTarget : std::uint8_t { kForm, kSearch, kElsewhere };
PortalTarget portal_target(std::string_view path);

// Receiver of a page, piece by piece. False: it takes no more.
struct PageOut {
    bool (*write)(void* self, std::string_view piece);
    void* self;
};

// Values that the form shows; passwords and the certificate are not among them.
struct PortalValues {
    FixedString<32> wifi_ssid;
    FixedString<64> host;
    std::uint16_t port = 8883;
    FixedString<32> device_id;

};

// Writes the form. False: `out` took no more.
PortalValues values_of(const hal::AccessPoint& access_point);
bool write_form(const PortalValues& values, const NetworkList& networks, const PageOut& out);

// Writes what follows a form that was sent: it was taken, or the field that is wrong.
bool write_reply(const std::optional<SettingFault>& fault, const PageOut& out);

}  // namespace stetho
