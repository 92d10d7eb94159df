// Interface to true random numbers, for recording ids, boot ids, passwords and jitter.
#pragma once

#include <cstdint>

namespace stetho::hal {

class Random {
  public:
    virtual ~Random() = default;

    // Returns 32 random bits. On the chip they are true ones while the radio runs (hal::Network::start_radio);
    // before, they are different at each start, which is enough for ids.
    virtual std::uint32_t next() = 0;
};

}  // namespace stetho::hal
