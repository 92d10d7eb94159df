// Model of NOR flash: writing only clears bits, sectors are erased as a whole, each erase wears its sector, and the
// power can be cut at any byte of a write or in the middle of an erase.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "hal/flash.h"

namespace stetho::test {

class FlashModel final : public hal::Flash {
  public:
    static constexpr std::uint32_t kSector = hal::kFlashSectorBytes;
    static constexpr std::uint64_t kEraseSteps = 4;  // moments at which an erase can be cut

    explicit FlashModel(std::uint32_t sectors, unsigned seed = 1)
        : bytes(sectors * kSector, 0xFF), erases(sectors), random_(seed) {}

    std::uint32_t size() const override { return static_cast<std::uint32_t>(bytes.size()); }

    bool load(std::uint32_t offset, std::span<std::uint8_t> out) override {
        if (is_off || offset + out.size() > bytes.size()) return false;
        std::copy_n(bytes.begin() + offset, out.size(), out.begin());
        return true;
    }

    bool program(std::uint32_t offset, std::span<const std::uint8_t> written) override {
        if (offset + written.size() > bytes.size()) return false;
        for (const std::uint8_t byte : written) {
            if (!step([](FlashModel&) {})) return false;
            const bool is_stuck = stuck_sector && offset / kSector == *stuck_sector;
            if (!is_stuck) bytes[offset] &= byte;
            ++offset;
        }
        return !is_off;
    }

    bool erase(std::uint32_t offset) override {
        if (offset % kSector != 0 || offset >= bytes.size() || is_off) return false;
        ++erases[offset / kSector];
        for (std::uint64_t part = 0; part < kEraseSteps; ++part) {
            if (!step([&](FlashModel& flash) { flash.half_erase(offset, part); })) {
                half_erase(offset, part);
                return false;
            }
        }
        std::fill_n(bytes.begin() + offset, kSector, std::uint8_t{0xFF});
        return true;
    }

    // Switches the device on again: what is written stays.
    void restore_power() {
        is_off = false;
        cut_after.reset();
    }

    std::vector<std::uint8_t> bytes;
    std::vector<std::uint32_t> erases;              // of each sector
    std::optional<std::uint64_t> cut_after;         // steps (bytes, parts of an erase) until the power is cut
    std::optional<std::uint32_t> stuck_sector;      // where nothing can be written
    std::uint64_t steps = 0;                        // so far
    // Called before each step, with the flash as it is when the power is cut there.
    std::function<void(FlashModel&)> at_each_step;
    bool is_off = false;

  private:
    template <class Spoil>
    bool step(Spoil spoil) {
        if (!is_off && at_each_step) {
            FlashModel image = *this;
            image.at_each_step = nullptr;
            spoil(image);
            at_each_step(image);
        }
        if (!is_off && cut_after && (*cut_after)-- == 0) is_off = true;
        if (!is_off) ++steps;
        return !is_off;
    }

    // Leaves what an erase leaves that was cut: some sectors untouched, some nearly erased, most with random bits.
    void half_erase(std::uint32_t offset, std::uint64_t part) {
        for (std::uint32_t at = offset; at < offset + kSector; ++at) {
            const auto noise = static_cast<std::uint8_t>(random_());
            if (part == 1) bytes[at] |= noise;
            if (part == 2) bytes[at] = noise;
            if (part == 3) bytes[at] |= static_cast<std::uint8_t>(at < offset + kSector / 2 ? 0xFF : noise);
        }
    }

    std::mt19937 random_;
};

}  // namespace stetho::test
