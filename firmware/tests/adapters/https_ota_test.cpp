#include "esp/https_ota.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstring>
#include <string>

#include "esp_https_ota.h"
#include "esp_ota_ops.h"
#include "esp_timer.h"

using namespace stetho;

// Fake of esp_https_ota: a server that sends an image in blocks of 4 KB, until it is cut off.
namespace {

constexpr int kBlocks = 20;
constexpr int kBlockBytes = 4'096;
constexpr std::uint32_t kWaitMs = 10'000;

struct Server {
    std::atomic<int> cut_after{kBlocks + 1};  // blocks
    std::atomic<int> bytes_a_turn{kBlockBytes};
    std::atomic<std::int64_t> us_a_turn{1'000};
    std::atomic<bool> has_tls{true};
    std::atomic<bool> is_valid{true};
    std::string project = "stethoscope";
    int received = 0;
    std::int64_t now_us = 0;
    std::atomic<int> aborted{0};
    std::atomic<int> selected{0};  // for the next start
};
Server server;
const esp_app_desc_t kOurs{"0.2.0", "stethoscope"};
char handle_of_all = 0;

hal::OtaStep end_of_update(esp::HttpsOta& ota, esp::EventQueue& events) {
    server.received = 0;
    server.aborted = server.selected = 0;
    REQUIRE(ota.start("https://host/image.bin", "a certificate"));
    for (;;) {
        const auto event = events.take(kWaitMs);
        REQUIRE(event);
        if (event->step != hal::OtaStep::kFetching) return event->step;
    }
}

}  // namespace

extern "C" {

std::int64_t esp_timer_get_time() { return server.now_us; }
const char* esp_err_to_name(esp_err_t) { return "an error"; }
const esp_app_desc_t* esp_app_get_description() { return &kOurs; }
esp_http_client_transport_t esp_http_client_get_transport_type(esp_http_client_handle_t) {
    return server.has_tls ? HTTP_TRANSPORT_OVER_SSL : HTTP_TRANSPORT_OVER_TCP;
}
esp_err_t esp_https_ota_begin(const esp_https_ota_config_t* config, esp_https_ota_handle_t* handle) {
    *handle = &handle_of_all;
    return config->http_client_init_cb(nullptr);
}
esp_err_t esp_https_ota_get_img_desc(esp_https_ota_handle_t, esp_app_desc_t* image) {
    std::strncpy(image->project_name, server.project.c_str(), sizeof(image->project_name) - 1);
    return ESP_OK;
}
esp_err_t esp_https_ota_perform(esp_https_ota_handle_t) {
    server.now_us += server.us_a_turn;
    if (server.received >= server.cut_after * kBlockBytes) return ESP_FAIL;
    server.received += server.bytes_a_turn;
    return server.received >= kBlocks * kBlockBytes ? ESP_OK : ESP_ERR_HTTPS_OTA_IN_PROGRESS;
}
int esp_https_ota_get_image_len_read(esp_https_ota_handle_t) { return server.received; }
int esp_https_ota_get_image_size(esp_https_ota_handle_t) { return kBlocks * kBlockBytes; }
bool esp_https_ota_is_complete_data_received(esp_https_ota_handle_t) {
    return server.received >= kBlocks * kBlockBytes;
}
esp_err_t esp_https_ota_abort(esp_https_ota_handle_t) {
    ++server.aborted;
    return ESP_OK;
}
esp_err_t esp_https_ota_finish(esp_https_ota_handle_t) {
    if (!server.is_valid) return ESP_FAIL;
    ++server.selected;
    return ESP_OK;
}
const esp_partition_t* esp_ota_get_running_partition() { return nullptr; }
esp_err_t esp_ota_get_state_partition(const esp_partition_t*, esp_ota_img_states_t*) { return ESP_FAIL; }
esp_err_t esp_ota_mark_app_valid_cancel_rollback() { return ESP_OK; }
esp_err_t esp_ota_mark_app_invalid_rollback_and_reboot() { return ESP_OK; }
}

TEST_CASE("an update that is cut off after any block, wrong or endless selects nothing; a whole one does") {
    auto& events = *new esp::EventQueue;  // tasks of the fake never end
    REQUIRE(events.begin());
    auto& ota = *new esp::HttpsOta(events);
    CHECK_FALSE(ota.start("http://host/image.bin", "a certificate"));
    CHECK_FALSE(ota.start("https://host/image.bin", ""));
    for (int block = 0; block < kBlocks; ++block) {
        server.cut_after = block;
        CHECK(end_of_update(ota, events) == hal::OtaStep::kFailed);
        CHECK(server.aborted == 1);
        CHECK(server.selected == 0);
    }
    server.cut_after = kBlocks + 1;
    server.has_tls = false;  // the server has led to another one, without TLS
    CHECK(end_of_update(ota, events) == hal::OtaStep::kFailed);
    CHECK(server.received == 0);
    server.has_tls = true;
    server.project = "toaster";
    CHECK(end_of_update(ota, events) == hal::OtaStep::kFailed);
    CHECK(server.received == 0);
    server.project = "stethoscope";
    server.bytes_a_turn = 1;  // a byte every nine seconds: each read is in time
    server.us_a_turn = 9'000'000;
    CHECK(end_of_update(ota, events) == hal::OtaStep::kFailed);
    CHECK(server.received < 20);
    server.bytes_a_turn = kBlockBytes;
    server.us_a_turn = 1'000;
    server.is_valid = false;
    CHECK(end_of_update(ota, events) == hal::OtaStep::kFailed);
    CHECK(server.selected == 0);
    server.is_valid = true;
    CHECK(end_of_update(ota, events) == hal::OtaStep::kReady);
    CHECK(server.selected == 1);
    CHECK(server.aborted == 0);
}
