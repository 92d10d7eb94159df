// Flash for recordings: the partition "recordings" (idf/partitions.csv). A device that was flashed with a table
// without it has none, and works as before.
#pragma once

#include "esp_partition.h"
#include "hal/flash.h"

namespace stetho::esp {

class PartitionFlash final : public hal::Flash {
  public:
    // Looks for the partition. False: there is none.
    bool begin();

    std::uint32_t size() const override { return partition_ == nullptr ? 0 : partition_->size; }
    bool load(std::uint32_t offset, std::span<std::uint8_t> out) override;
    bool program(std::uint32_t offset, std::span<const std::uint8_t> bytes) override;
    bool erase(std::uint32_t offset) override;

  private:
    const esp_partition_t* partition_ = nullptr;
};

}  // namespace stetho::esp
