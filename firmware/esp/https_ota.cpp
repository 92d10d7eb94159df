#include "esp/https_ota.h"

#include "esp_http_client.h"
#include "esp_https_ota.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "hal/tasks.h"

namespace stetho::esp {
namespace {

constexpr const char* kTag = "ota";
constexpr int kWithinMs = 10'000;

std::uint8_t percent_of(int done, int total) {
    return total > 0 && done >= 0 && done <= total ? static_cast<std::uint8_t>(done / (total / 100 + 1)) : 0;
}

}  // namespace

bool HttpsOta::start(std::string_view url, std::string_view ca_pem) {
    const bool is_usable = url.starts_with("https://") && url.size() <= url_.capacity() && !ca_pem.empty() &&
                           ca_pem.size() <= ca_pem_.capacity();
    if (!is_usable || is_busy_.exchange(true)) {
        return false;
    }
    url_ = FixedString<256>(url);
    ca_pem_.clear();
    ca_pem_.append(ca_pem);
    if (xTaskCreatePinnedToCore(run, hal::kUpdateTask.name, hal::kUpdateTask.stack_bytes, this,
                                hal::kUpdateTask.priority, nullptr, hal::kUpdateTask.core) != pdPASS) {
        is_busy_ = false;
        return false;
    }
    return true;
}

void HttpsOta::run(void* self) {
    auto* ota = static_cast<HttpsOta*>(self);
    const bool is_ready = ota->fetch();
    ota->is_busy_ = false;
    ota->events_.post(
        Event::ota(is_ready ? hal::OtaStep::kReady : hal::OtaStep::kFailed, is_ready ? 100 : 0));
    vTaskDelete(nullptr);
}

bool HttpsOta::fetch() {
    esp_http_client_config_t http{};
    http.url = url_.c_str();
    http.cert_pem = ca_pem_.c_str();
    http.timeout_ms = kWithinMs;
    http.keep_alive_enable = true;
    esp_https_ota_config_t config{};
    config.http_config = &http;
    esp_https_ota_handle_t handle = nullptr;
    esp_err_t error = esp_https_ota_begin(&config, &handle);
    if (error != ESP_OK) {
        ESP_LOGW(kTag, "no update: %s", esp_err_to_name(error));
        return false;
    }
    const int total = esp_https_ota_get_image_size(handle);
    int told = -1;
    while ((error = esp_https_ota_perform(handle)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS) {
        const std::uint8_t percent = percent_of(esp_https_ota_get_image_len_read(handle), total);
        if (percent != told) {
            told = percent;
            events_.post(Event::ota(hal::OtaStep::kFetching, percent));
        }
    }
    if (error != ESP_OK || !esp_https_ota_is_complete_data_received(handle)) {
        ESP_LOGW(kTag, "update interrupted: %s", esp_err_to_name(error));
        esp_https_ota_abort(handle);
        return false;
    }
    return esp_https_ota_finish(handle) ==
           ESP_OK;  // verifies the image before it is selected for the next start
}

bool HttpsOta::is_on_trial() {
    esp_ota_img_states_t state = ESP_OTA_IMG_UNDEFINED;
    return esp_ota_get_state_partition(esp_ota_get_running_partition(), &state) == ESP_OK &&
           state == ESP_OTA_IMG_PENDING_VERIFY;
}

void HttpsOta::confirm() { esp_ota_mark_app_valid_cancel_rollback(); }

void HttpsOta::roll_back() {
    if (is_on_trial()) {
        esp_ota_mark_app_invalid_rollback_and_reboot();
    }
}

}  // namespace stetho::esp
