// Stub of esp_http_server.h of ESP-IDF: the declarations that our adapters use, for type checks without
// ESP-IDF.
#pragma once

#include <cstddef>
#include <cstdint>

#include <esp_err.h>

using httpd_handle_t = void*;
enum httpd_method_t { HTTP_GET = 1, HTTP_POST = 3 };
struct httpd_req_t {
    int method;
    const char uri[513];
    std::size_t content_len;
    void* user_ctx;
};
struct httpd_uri_t {
    const char* uri;
    httpd_method_t method;
    esp_err_t (*handler)(httpd_req_t* request);
    void* user_ctx;
};
struct httpd_config_t {
    std::size_t stack_size;
    std::uint16_t server_port;
    std::uint16_t max_open_sockets;
    bool lru_purge_enable;
    std::uint16_t recv_wait_timeout;
    bool (*uri_match_fn)(const char* reference, const char* uri, std::size_t length);
};
#define HTTPD_DEFAULT_CONFIG() {4096, 80, 7, false, 5, nullptr}

extern "C" {
esp_err_t httpd_start(httpd_handle_t* handle, const httpd_config_t* config);
esp_err_t httpd_stop(httpd_handle_t handle);
esp_err_t httpd_register_uri_handler(httpd_handle_t handle, const httpd_uri_t* uri);
int httpd_req_recv(httpd_req_t* request, char* into, std::size_t length);
esp_err_t httpd_resp_set_status(httpd_req_t* request, const char* status);
esp_err_t httpd_resp_set_type(httpd_req_t* request, const char* type);
bool httpd_uri_match_wildcard(const char* reference, const char* uri, std::size_t length);
esp_err_t httpd_resp_set_hdr(httpd_req_t* request, const char* field, const char* value);
esp_err_t httpd_resp_send_chunk(httpd_req_t* request, const char* text, std::ptrdiff_t length);
esp_err_t httpd_resp_send(httpd_req_t* request, const char* text, std::ptrdiff_t length);
}
