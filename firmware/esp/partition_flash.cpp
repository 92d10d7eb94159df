#include "esp/partition_flash.h"

namespace stetho::esp {
namespace {

constexpr auto kSubtype = static_cast<esp_partition_subtype_t>(0x40);
constexpr const char* kName = "recordings";

}  // namespace

bool PartitionFlash::begin() {
    partition_ = esp_partition_find_first(ESP_PARTITION_TYPE_DATA, kSubtype, kName);
    return partition_ != nullptr;
}

bool PartitionFlash::load(std::uint32_t offset, std::span<std::uint8_t> out) {
    return esp_partition_read(partition_, offset, out.data(), out.size()) == ESP_OK;
}

bool PartitionFlash::program(std::uint32_t offset, std::span<const std::uint8_t> bytes) {
    return esp_partition_write(partition_, offset, bytes.data(), bytes.size()) == ESP_OK;
}

bool PartitionFlash::erase(std::uint32_t offset) {
    return esp_partition_erase_range(partition_, offset, hal::kFlashSectorBytes) == ESP_OK;
}

}  // namespace stetho::esp
