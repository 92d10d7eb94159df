#include "esp/provisioning_server.h"

#include <cstdlib>
#include <string_view>

#include "hal/tasks.h"

namespace stetho::esp {
namespace {

constexpr std::size_t kMaxFormBytes = EventQueue::kMaxPayloadBytes;

// Names are the keys of core/storage/settings.h. A field that is left empty keeps its value if there is one.
constexpr std::string_view kPage = R"(<!doctype html><meta name=viewport content="width=device-width">
<title>Stethoscope</title><style>body{font:16px sans-serif;max-width:28em;margin:1em auto;padding:0 1em}
label{display:block;margin:.8em 0}input,textarea,select{width:100%;box-sizing:border-box;font:inherit}</style>
<h1>Stethoscope</h1><p>Research and education, not a medical device.</p><form method=post>
<label>Wi-Fi network<input name=wifi_ssid maxlength=32></label>
<label>Wi-Fi password<input name=wifi_password type=password maxlength=63></label>
<label>Broker<input name=host maxlength=64 required></label>
<label>Port<input name=port type=number min=1 max=65535 value=8883></label>
<label>CA certificate (ca.pem)<textarea name=ca rows=4></textarea></label>
<label>Device id<input name=device_id maxlength=32 pattern="[a-z0-9-]+" required></label>
<label>Device password<input name=password type=password maxlength=64></label>
<button>Save</button></form>)";

constexpr std::string_view kTaken = R"(<!doctype html><meta name=viewport content="width=device-width">
<p>Received. The display says whether the values were taken; where not, <a href="/">try again</a>.)";

esp_err_t refuse(httpd_req_t* request, const char* status) {
    httpd_resp_set_status(request, status);
    return httpd_resp_send(request, status, static_cast<std::ptrdiff_t>(std::string_view(status).size()));
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

}  // namespace

bool ProvisioningServer::start() {
    httpd_config_t config = HTTPD_DEFAULT_CONFIG();
    config.max_open_sockets = 3;
    config.lru_purge_enable = true;
    config.stack_size = hal::kFormTask.stack_bytes;
    if (server_ != nullptr || httpd_start(&server_, &config) != ESP_OK) {
        return server_ != nullptr;
    }
    httpd_uri_t page{};
    page.uri = "/";
    page.method = HTTP_GET;
    page.handler = handle_get;
    page.user_ctx = this;
    httpd_uri_t form = page;
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

esp_err_t ProvisioningServer::handle_get(httpd_req_t* request) {
    httpd_resp_set_type(request, "text/html; charset=utf-8");
    return httpd_resp_send(request, kPage.data(), static_cast<std::ptrdiff_t>(kPage.size()));
}

esp_err_t ProvisioningServer::handle_post(httpd_req_t* request) {
    if (request->content_len == 0 || request->content_len > kMaxFormBytes) {
        return refuse(request, "413 Content Too Large");
    }
    auto* form = static_cast<char*>(std::malloc(request->content_len));
    if (form == nullptr) {
        return refuse(request, "503 Service Unavailable");
    }
    const bool is_whole = receive(request, form);
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(form), request->content_len);
    const bool is_posted =
        is_whole &&
        static_cast<ProvisioningServer*>(request->user_ctx)->events_.post(Event::provisioned(bytes));
    std::free(form);
    if (!is_posted) {
        return is_whole ? refuse(request, "503 Service Unavailable") : ESP_FAIL;
    }
    httpd_resp_set_type(request, "text/html; charset=utf-8");
    return httpd_resp_send(request, kTaken.data(), static_cast<std::ptrdiff_t>(kTaken.size()));
}

}  // namespace stetho::esp
