// Adapter to the chip: memory, reset, random numbers.
#pragma once

#include "hal/random.h"
#include "hal/system.h"

namespace stetho::esp {

class Chip final : public hal::System, public hal::Random {
  public:
    std::uint32_t free_heap_bytes() override;
    std::string_view reset_reason() override;
    void restart() override;

    // True random numbers while Wi-Fi runs; before, those of the chip's generator, which is seeded at start.
    std::uint32_t next() override;
};

}  // namespace stetho::esp
