#include "esp/provisioning_server.h"

#include <cstdlib>
#include <memory>
#include <string_view>

#include "esp/stack_watch.h"
#include "esp_wifi.h"
#include "freertos/FreeRTOS.h"
#include "hal/tasks.h"

namespace stetho::esp {
namespace {

constexpr std::size_t kMaxFormBytes = EventQueue::kMaxPayloadBytes;

esp_err_t refuse(httpd_req_t* request, const char* status) {
    httpd_resp_set_status(request, status);
    return httpd_resp_send(request, status, static_cast<std::ptrdiff_t>(std::string_view(status).size()));
}

esp_err_t redirect(httpd_req_t* request) {
    httpd_resp_set_status(request, "302 Found");
    httpd_resp_set_hdr(request, "Location", kPortalUrl.data());
    httpd_resp_set_hdr(request, "Cache-Control", "no-store");
    return httpd_resp_send(request, "", 0);
}

// Reads the whole body. False: the client disconnected.
bool receive(httpd_req_t* request, char* into) {
    std::size_t have = 0;
    while (have < request->content_len) {
        const int count = httpd_req_recv(request, into + have, request->content_len - have);
        if (count <= 0) {
            return false;
        }
        have += static_cast<std::size_t>(count);
    }
    return true;
}

PageOut page_out(httpd_req_t* request) {
    httpd_resp_set_type(request, "text/html; charset=utf-8");
    httpd_resp_set_hdr(request, "Cache-Control", "no-store");
    return {[](void* self, std::string_view piece) {
                return httpd_resp_send_chunk(static_cast<httpd_req_t*>(self), piece.data(),
                                             static_cast<std::ptrdiff_t>(piece.size())) == ESP_OK;
            },
            request};
}

// Ends a page. A page of which a piece did not leave is cut off: the connection is closed.
esp_err_t end(httpd_req_t* request, bool is_written) {
    return is_written ? httpd_resp_send_chunk(request, nullptr, 0) : ESP_FAIL;
}

}  // namespace

ProvisioningServer::ProvisioningServer(EventQueue& events) : events_(events), lock_(xSemaphoreCreateMutex()) {}

bool ProvisioningServer::start(const hal::AccessPoint& access_point) {
    if (server_ != nullptr) {
        return true;
    }
    values_ = values_of(access_point);
    httpd_config_t config = HTTPD_DEFAULT_CONFIG();
    config.stack_size = hal::kFormTask.stack_bytes;
    config.max_open_sockets = 3;
    config.lru_purge_enable = true;
    config.uri_match_fn = httpd_uri_match_wildcard;
    if (httpd_start(&server_, &config) != ESP_OK) {
        return false;
    }
    httpd_uri_t page{};
    page.uri = "/*";
    page.method = HTTP_GET;
    page.handler = handle_get;
    page.user_ctx = this;
    httpd_uri_t form = page;
    form.uri = "/";
    form.method = HTTP_POST;
    form.handler = handle_post;
    return httpd_register_uri_handler(server_, &page) == ESP_OK &&
           httpd_register_uri_handler(server_, &form) == ESP_OK;
}

void ProvisioningServer::stop() {
    if (server_ != nullptr) {
        httpd_stop(server_);
        server_ = nullptr;
    }
}

void ProvisioningServer::set_networks(const NetworkList& networks) {
    xSemaphoreTake(lock_, portMAX_DELAY);
    networks_ = networks;
    xSemaphoreGive(lock_);
}

esp_err_t ProvisioningServer::handle_get(httpd_req_t* request) {
    switch (portal_target(request->uri)) {
        case PortalTarget::kForm:
            return static_cast<ProvisioningServer*>(request->user_ctx)->send_form(request);
        case PortalTarget::kSearch:
            esp_wifi_scan_start(nullptr, true);  // waits for the result, as the person does
            return redirect(request);
        case PortalTarget::kElsewhere:
            return redirect(request);
    }
    return ESP_FAIL;
}

esp_err_t ProvisioningServer::send_form(httpd_req_t* request) {
    xSemaphoreTake(lock_, portMAX_DELAY);
    shown_ = networks_;
    xSemaphoreGive(lock_);
    return end(request, write_form(values_, shown_, page_out(request)));
}

esp_err_t ProvisioningServer::handle_post(httpd_req_t* request) {
    if (request->content_len == 0 || request->content_len > kMaxFormBytes) {
        return refuse(request, "413 Content Too Large");
    }
    auto* form = static_cast<char*>(std::malloc(request->content_len));
    if (form == nullptr) {
        return refuse(request, "503 Service Unavailable");
    }
    const esp_err_t error =
        receive(request, form)
            ? static_cast<ProvisioningServer*>(request->user_ctx)->reply(request, {form, request->content_len})
            : ESP_FAIL;
    std::free(form);
    note_stack(hal::kFormTask.name);
    return error;
}

// Says at once what is wrong with a form; the display says it, too.
esp_err_t ProvisioningServer::reply(httpd_req_t* request, std::string_view form) {
    std::construct_at(&checked_);
    checked_.wifi_ssid = values_.wifi_ssid;
    checked_.host = values_.host;
    checked_.device_id = values_.device_id;
    const auto fault = read_form(form, checked_, work_);
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(form.data()), form.size());
    if (!events_.post(Event::provisioned(bytes))) {
        return refuse(request, "503 Service Unavailable");
    }
    return end(request, write_reply(fault, page_out(request)));
}

}  // namespace stetho::esp
