#include "esp/nvs_storage.h"

#include "core/wire/fixed_string.h"
#include "nvs.h"
#include "nvs_flash.h"

namespace stetho::esp {
namespace {

constexpr const char* kNamespace = "stetho";
using Key = FixedString<hal::kMaxKeyBytes>;

// Open NVS handle, closed at the end of its scope.
class Handle {
  public:
    explicit Handle(nvs_open_mode_t mode) : is_open_(nvs_open(kNamespace, mode, &handle_) == ESP_OK) {}
    ~Handle() {
        if (is_open_) {
            nvs_close(handle_);
        }
    }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    bool is_open() const { return is_open_; }
    nvs_handle_t get() const { return handle_; }

  private:
    nvs_handle_t handle_ = 0;
    bool is_open_;
};

}  // namespace

bool NvsStorage::begin() {
    const esp_err_t error = nvs_flash_init();
    if (error == ESP_ERR_NVS_NO_FREE_PAGES || error == ESP_ERR_NVS_NEW_VERSION_FOUND) {
        return nvs_flash_erase() == ESP_OK && nvs_flash_init() == ESP_OK;
    }
    return error == ESP_OK;
}

std::optional<std::size_t> NvsStorage::get(std::string_view key, std::span<char> value) {
    const Handle handle(NVS_READONLY);
    std::size_t length = value.size();
    if (!handle.is_open() || key.size() > hal::kMaxKeyBytes ||
        nvs_get_blob(handle.get(), Key(key).c_str(), value.data(), &length) != ESP_OK) {
        return std::nullopt;
    }
    return length;
}

bool NvsStorage::put(std::string_view key, std::string_view value) {
    const Handle handle(NVS_READWRITE);
    return handle.is_open() && key.size() <= hal::kMaxKeyBytes &&
           nvs_set_blob(handle.get(), Key(key).c_str(), value.data(), value.size()) == ESP_OK &&
           nvs_commit(handle.get()) == ESP_OK;
}

bool NvsStorage::clear() {
    const Handle handle(NVS_READWRITE);
    return handle.is_open() && nvs_erase_all(handle.get()) == ESP_OK && nvs_commit(handle.get()) == ESP_OK;
}

}  // namespace stetho::esp
