// HTTP server of the provisioning form on the access point. GET / is the form, with the networks that the radio
// hears; POST / posts its values as an event; GET /search listens again; any other page sends a phone to the
// form, which it then shows by itself.
//
// It has no TLS: the access point has one guest, and its WPA2 password is random and shown on the display
// only.
#pragma once

#include <array>

#include "core/portal/portal_page.h"
#include "esp/event_queue.h"
#include "esp_http_server.h"
#include "freertos/semphr.h"

namespace stetho::esp {

class ProvisioningServer {
  public:
    explicit ProvisioningServer(EventQueue& events);

    // False: no memory, or the port is taken.
    bool start(const hal::AccessPoint& access_point);
    void stop();

    // Takes the networks that the radio has heard; from any task.
    void set_networks(const NetworkList& networks);

  private:
    static esp_err_t handle_get(httpd_req_t* request);
    static esp_err_t handle_post(httpd_req_t* request);
    esp_err_t send_form(httpd_req_t* request);
    esp_err_t reply(httpd_req_t* request, std::string_view form);

    EventQueue& events_;
    httpd_handle_t server_ = nullptr;
    PortalValues values_;
    SemaphoreHandle_t lock_;
    NetworkList networks_;
    // Of the server's task, whose stack is small.
    NetworkList shown_;
    Settings checked_;
    std::array<char, hal::kMaxValueBytes> work_{};
};

}  // namespace stetho::esp
