// The provisioning form of the access point on a TCP port of 127.0.0.1: the same pages as on the chip, for a
// browser on this machine. The networks that it lists are made up.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "core/portal/portal_page.h"
#include "posix/event_queue.h"

namespace stetho::posix {

// Returns the networks that the form lists: none of them is there.
NetworkList made_up_networks();

class Portal {
  public:
    // `port`: 0: there is none, and `start` does nothing.
    Portal(EventQueue& events, int port) : events_(events), port_(port) {}
    ~Portal() { stop(); }
    Portal(const Portal&) = delete;
    Portal& operator=(const Portal&) = delete;

    // False: the port is taken.
    bool start(const hal::AccessPoint& access_point);
    void stop();

  private:
    void serve();
    std::string answer(const std::string& request);
    std::string take_form(const std::string& form);

    EventQueue& events_;
    int port_;
    int socket_ = -1;
    PortalValues values_;
    std::atomic<bool> is_stopped_{true};
    std::thread thread_;
};

}  // namespace stetho::posix
