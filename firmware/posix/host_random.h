// Random numbers of a Linux machine, or the same ones each time. One thread calls it.
#pragma once

#include <random>

#include "hal/random.h"

namespace stetho::posix {

class HostRandom final : public hal::Random {
  public:
    explicit HostRandom(std::uint32_t seed) : generator_(seed != 0 ? seed : std::random_device()()) {}

    std::uint32_t next() override { return static_cast<std::uint32_t>(generator_()); }

  private:
    std::mt19937 generator_;
};

}  // namespace stetho::posix
