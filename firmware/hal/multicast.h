// Interface to the local network for the search for the broker: one question to all, answers by whoever has one.
//
// Thread rules: one task at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stetho::hal {

// `Multicast::receive` waits so long at most.
inline constexpr std::uint32_t kMulticastWaitMs = 200;

class Multicast {
  public:
    virtual ~Multicast() = default;

    // Opens a socket on a port of its own. False: it cannot.
    virtual bool open() = 0;
    virtual void close() = 0;

    // Sends a message to 224.0.0.251, port 5353 (RFC 6762). False: it cannot be sent.
    virtual bool ask(std::span<const std::uint8_t> message) = 0;

    // Waits for a message to this socket. Returns its length, what does not fit is cut off; 0: none came.
    virtual std::size_t receive(std::span<std::uint8_t> into) = 0;
};

}  // namespace stetho::hal
