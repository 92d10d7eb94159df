// Flash as a file, with the rules of NOR: writing clears bits, erasing sets those of a sector. Without a file there is
// no flash.
#pragma once

#include <string>

#include "hal/flash.h"

namespace stetho::posix {

class FileFlash final : public hal::Flash {
  public:
    static constexpr std::uint32_t kBytes = 0x1D0000;  // as in idf/partitions.csv; a file that is there has its own

    // Throws std::runtime_error when the file cannot be opened.
    explicit FileFlash(const std::string& path);
    ~FileFlash() override;
    FileFlash(const FileFlash&) = delete;
    FileFlash& operator=(const FileFlash&) = delete;

    std::uint32_t size() const override { return size_; }
    bool load(std::uint32_t offset, std::span<std::uint8_t> out) override;
    bool program(std::uint32_t offset, std::span<const std::uint8_t> bytes) override;
    bool erase(std::uint32_t offset) override;

  private:
    int file_ = -1;
    std::uint32_t size_ = 0;
};

}  // namespace stetho::posix
