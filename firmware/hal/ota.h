// Interface to updates over the air: an image is fetched into the other slot, started, and kept only if it is
// confirmed.
//
// Progress and the outcome of `start` arrive as events of the device.
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

    // Starts to fetch an image from an https:// URL; `ca_pem` is the CA of its server. Does not wait; both
    // are copied. False: not such a URL, or an update is in progress.
    virtual bool start(std::string_view url, std::string_view ca_pem) = 0;

    // Returns whether the running image is new and not confirmed: the next restart rolls it back.
    virtual bool is_on_trial() = 0;

    // Confirms the running image: it is kept.
    virtual void confirm() = 0;

    // Rolls back to the previous image and restarts. Does nothing if the running image is confirmed.
    virtual void roll_back() = 0;
};

}  // namespace stetho::hal
