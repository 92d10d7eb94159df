// Interface to a source of audio: an I2S microphone, a file, a synthesizer.
//
// Thread rules: `start` and `stop` are called by the application task, `read` by the capture task alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stetho::hal {

class AudioSource {
  public:
    virtual ~AudioSource() = default;

    // Starts the microphone. `rate_hz` is the clock of the hardware (16,000 or 44,100; an INMP441 cannot be
    // clocked at 4,000: core decimates). False: the hardware refused.
    virtual bool start(std::uint32_t rate_hz) = 0;

    virtual void stop() = 0;

    // Returns the rate that `start` set, Hz; 0 before.
    virtual std::uint32_t rate_hz() const = 0;

    // Fills `slots` with 32-bit slots, each with 24 bits of signed sample on top (MSB first, low byte
    // undefined). Returns how many there are: fewer, or 0, if nothing came for 100 ms or the source is
    // stopped. Never blocks longer.
    virtual std::size_t read(std::span<std::int32_t> slots) = 0;

    // Returns the number of slots that the hardware lost since the last call (its buffers overflowed before
    // `read` was called).
    virtual std::uint32_t take_lost() = 0;
};

}  // namespace stetho::hal
