// Updates over the air: an image is fetched into the other slot, started, and kept only when it is confirmed.
//
// Progress and the end of `start` arrive as events of the device.
#pragma once

#include <cstdint>
#include <string_view>

namespace stetho::hal {

enum class OtaStep : std::uint8_t {
    kFetching,  // with percent
    kReady,     // the image is verified; it runs after a restart
    kFailed,    // wrong image, interrupted, not trusted; the running firmware stays
};

class Ota {
  public:
    virtual ~Ota() = default;

    // Fetches an image from an https:// URL whose certificate `ca_pem` vouches for; does not wait. Both are
    // copied. False: not such a URL, or an update is under way.
    virtual bool start(std::string_view url, std::string_view ca_pem) = 0;

    // Whether the running image is new and not confirmed: the next restart takes the old one back.
    virtual bool is_on_trial() = 0;

    // Keeps the running image.
    virtual void confirm() = 0;

    // Takes the old image back and restarts. Does nothing when the running image is confirmed.
    virtual void roll_back() = 0;
};

}  // namespace stetho::hal
