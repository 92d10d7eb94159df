// Adapter to the chip: memory, reset, random numbers.
#pragma once

#include "core/wire/fixed_string.h"
#include "esp/core_dump.h"
#include "hal/random.h"
#include "hal/system.h"
#include "sdkconfig.h"
#if CONFIG_STETHO_SLEEP
#include "esp/light_sleep.h"
#endif

namespace stetho::esp {

class Chip final : public hal::System, public hal::Random {
  public:
    explicit Chip(const CoreDump& core_dump) : core_dump_(core_dump) {}

    std::uint32_t free_heap_bytes() override;
    std::size_t stacks_left(std::span<hal::StackLeft> out) override;
    std::size_t last_error(std::span<char> out) override;
    std::string_view reset_reason() override;
    std::string_view last_crash() override { return core_dump_.summary(); }
    std::string_view board_id() override;
#if CONFIG_STETHO_SLEEP
    bool sleep(bool may) override { return light_sleep_.allow(may); }
#endif
    void restart() override;

    // True random numbers while Wi-Fi runs; before, those of the chip's generator, which is seeded at start.
    std::uint32_t next() override;

  private:
    const CoreDump& core_dump_;
    FixedString<17> board_id_;
#if CONFIG_STETHO_SLEEP
    LightSleep light_sleep_;
#endif
};

}  // namespace stetho::esp
