// Fake of the storage: values in a map, under the control of a test.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hal/storage.h"

namespace stetho::test {

struct FakeStorage final : hal::Storage {
    std::optional<std::size_t> get(std::string_view key, std::span<char> value) override {
        const auto found = values.find(std::string(key));
        if (found == values.end() || found->second.size() > value.size()) return std::nullopt;
        std::copy(found->second.begin(), found->second.end(), value.begin());
        return found->second.size();
    }
    bool put(std::string_view key, std::string_view value) override {
        if (is_worn_out) return false;
        values[std::string(key)] = value;
        return true;
    }
    bool clear() override {
        values.clear();
        return true;
    }

    std::map<std::string, std::string> values;
    bool is_worn_out = false;
};

}  // namespace stetho::test
