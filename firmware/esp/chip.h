// Adapter to the chip: memory, reset, random numbers.
#pragma once

#include "core/wire/fixed_string.h"
#include "esp/core_dump.h"
#include "hal/random.h"
#include "hal/system.h"

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
    void restart() override;

    // True random numbers while Wi-Fi runs; before, those of the chip's generator, which is seeded at start.
    std::uint32_t next() override;

  private:
    const CoreDump& core_dump_;
    FixedString<17> board_id_;
};

}  // namespace stetho::esp
