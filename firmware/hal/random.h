// True randomness for recording ids, boot ids, passwords and jitter.
#pragma once

#include <cstdint>

namespace stetho::hal {

class Random {
  public:
    virtual ~Random() = default;

    virtual std::uint32_t next() = 0;
};

}  // namespace stetho::hal
