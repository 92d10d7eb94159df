// Storage in NVS, the key-value store in flash. A store that is damaged is erased and starts empty: the
// device then has to be provisioned again.
#pragma once

#include "hal/storage.h"

namespace stetho::esp {

class NvsStorage final : public hal::Storage {
  public:
    // Opens the store. False: the flash cannot be used at all.
    bool begin();

    std::optional<std::size_t> get(std::string_view key, std::span<char> value) override;
    bool put(std::string_view key, std::string_view value) override;
    bool clear() override;
};

}  // namespace stetho::esp
