// Storage as files in a directory, one per key. Without a directory nothing is stored.
#pragma once

#include <filesystem>

#include "hal/storage.h"

namespace stetho::posix {

class FileStorage final : public hal::Storage {
  public:
    explicit FileStorage(std::filesystem::path directory) : directory_(std::move(directory)) {}

    std::optional<std::size_t> get(std::string_view key, std::span<char> value) override;
    bool put(std::string_view key, std::string_view value) override;
    bool clear() override;

  private:
    std::filesystem::path directory_;
};

}  // namespace stetho::posix
