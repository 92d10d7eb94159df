// Settings in storage, with working memory of their own: what a test saves and loads.
#pragma once

#include <array>
#include <optional>

#include "core/storage/settings.h"

namespace stetho::test {

inline bool save(const Settings& settings, hal::Storage& storage) {
    std::array<char, hal::kMaxValueBytes> work;
    return save_settings(settings, storage, work);
}

inline std::optional<Settings> load(hal::Storage& storage) {
    std::array<char, hal::kMaxValueBytes> work;
    std::optional<Settings> settings(std::in_place);
    if (!load_settings(storage, *settings, work)) settings.reset();
    return settings;
}

}  // namespace stetho::test
