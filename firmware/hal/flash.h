// Interface to a part of the flash for data: NOR, which erases to ones in whole sectors and writes only zeros.
//
// One task (the application's) calls it. A power cut in the middle of `program` leaves some of the bytes written;
// in the middle of `erase`, anything in that sector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stetho::hal {

inline constexpr std::uint32_t kFlashSectorBytes = 4'096;

class Flash {
  public:
    virtual ~Flash() = default;

    // Returns the bytes that there are; 0: the board has no such part. Less than a whole sector is not used.
    virtual std::uint32_t size() const = 0;

    // Copies what lies at `offset` into `out`. False: it cannot be read.
    virtual bool load(std::uint32_t offset, std::span<std::uint8_t> out) = 0;

    // Clears those bits that are 0 in `bytes`; a page of 256 bytes takes under a millisecond. False: refused.
    virtual bool program(std::uint32_t offset, std::span<const std::uint8_t> bytes) = 0;

    // Erases the sector that starts at `offset`: 45 ms, up to 400 ms when it is old. False: refused.
    virtual bool erase(std::uint32_t offset) = 0;
};

}  // namespace stetho::hal
