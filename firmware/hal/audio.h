// Where sound comes from: an I2S microphone, a file, a synthesiser.
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

    // Begins to clock the microphone. `rate_hz` is what the hardware shall run at (16,000 or 44,100; an
    // INMP441 cannot be clocked at 4,000: core decimates). False: the hardware refused.
    virtual bool start(std::uint32_t rate_hz) = 0;

    virtual void stop() = 0;

    // The rate that `start` took, Hz; 0 before.
    virtual std::uint32_t rate_hz() const = 0;

    // Fills `slots` with 32-bit slots, each 24 bits of signed sample on top (MSB first, low byte undefined),
    // and returns how many there are: fewer, or 0, when nothing came for 100 ms or the source is stopped.
    // Never longer.
    virtual std::size_t read(std::span<std::int32_t> slots) = 0;

    // Slots that the hardware lost since the last call (its buffers overflowed before `read` came).
    virtual std::uint32_t take_lost() = 0;
};

}  // namespace stetho::hal
