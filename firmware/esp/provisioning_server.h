// HTTP server of the provisioning form on the access point: GET / returns the form, POST / posts its values
// as an event.
//
// It has no TLS: the access point has one guest, and its WPA2 password is random and shown on the display
// only.
#pragma once

#include "esp/event_queue.h"
#include "esp_http_server.h"

namespace stetho::esp {

class ProvisioningServer {
  public:
    explicit ProvisioningServer(EventQueue& events) : events_(events) {}

    // False: no memory, or the port is taken.
    bool start();
    void stop();

  private:
    static esp_err_t handle_get(httpd_req_t* request);
    static esp_err_t handle_post(httpd_req_t* request);

    EventQueue& events_;
    httpd_handle_t server_ = nullptr;
};

}  // namespace stetho::esp
