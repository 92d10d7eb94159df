#include "esp/https_ota.h"

#include <cstring>

#include "esp_app_desc.h"
#include "esp_http_client.h"
#include "esp/stack_watch.h"
#include "esp_https_ota.h"
#include "esp_log.h"
#include "esp_ota_ops.h"
#include "esp_timer.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "hal/tasks.h"

namespace stetho::esp {
namespace {

constexpr const char* kTag = "ota";
constexpr int kWithinMs = 10'000;
constexpr int kStepBytes = 8'192;  // a server that sends less in kStepWithinUs is given up
constexpr std::int64_t kStepWithinUs = 120'000'000;

esp_http_client_handle_t http_client = nullptr;  // of the update in progress

std::uint8_t percent_of(int done, int total) {
    return total > 0 && done >= 0 && done <= total ? static_cast<std::uint8_t>(done / (total / 100 + 1)) : 0;
}

// Returns whether the image comes over TLS, after all redirections, and is one of this firmware.
bool is_ours(esp_https_ota_handle_t handle) {
    if (esp_http_client_get_transport_type(http_client) != HTTP_TRANSPORT_OVER_SSL) {
        ESP_LOGW(kTag, "no update: its server leads away from https");
        return false;
    }
    static esp_app_desc_t image;
    const bool is_known =
        esp_https_ota_get_img_desc(handle, &image) == ESP_OK &&
        std::strncmp(image.project_name, esp_app_get_description()->project_name, sizeof(image.project_name)) == 0;
    if (!is_known) {
        ESP_LOGW(kTag, "no update: this is no image of this firmware");
    }
    return is_known;
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
    note_stack(hal::kUpdateTask.name);
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
    config.http_config = &http;  // the certificate must be of `cert_pem`, and for the host of the URL
    config.http_client_init_cb = [](esp_http_client_handle_t client) {
        http_client = client;
        return ESP_OK;
    };
    esp_https_ota_handle_t handle = nullptr;
    esp_err_t error = esp_https_ota_begin(&config, &handle);
    if (error != ESP_OK) {
        ESP_LOGW(kTag, "no update: %s", esp_err_to_name(error));
        return false;
    }
    if (!is_ours(handle) || !receive(handle)) {
        esp_https_ota_abort(handle);
        return false;
    }
    error = esp_https_ota_finish(handle);  // verifies the image before it is selected for the next start
    if (error != ESP_OK) {
        ESP_LOGW(kTag, "the image is damaged: %s", esp_err_to_name(error));
    }
    return error == ESP_OK;
}

bool HttpsOta::receive(void* handle) {
    const int total = esp_https_ota_get_image_size(handle);
    int told = -1;
    int stepped_bytes = 0;
    std::int64_t stepped_us = esp_timer_get_time();
    esp_err_t error = ESP_OK;
    while ((error = esp_https_ota_perform(handle)) == ESP_ERR_HTTPS_OTA_IN_PROGRESS) {
        const int have = esp_https_ota_get_image_len_read(handle);
        if (have >= stepped_bytes + kStepBytes) {
            stepped_bytes = have;
            stepped_us = esp_timer_get_time();
        } else if (esp_timer_get_time() - stepped_us > kStepWithinUs) {
            ESP_LOGW(kTag, "update too slow");
            return false;
        }
        if (const std::uint8_t percent = percent_of(have, total); percent != told) {
            told = percent;
            events_.post(Event::ota(hal::OtaStep::kFetching, percent));
        }
    }
    const bool is_whole = error == ESP_OK && esp_https_ota_is_complete_data_received(handle);
    if (!is_whole) {
        ESP_LOGW(kTag, "update interrupted: %s", esp_err_to_name(error));
    }
    return is_whole;
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
