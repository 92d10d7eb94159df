// Name server of the access point: every name is the device, so that a phone that looks for the Internet finds
// the form. A task with one socket; it never ends.
#pragma once

#include <atomic>

namespace stetho::esp {

class TaskWatchdog;

class NameServer {
  public:
    // False: no memory.
    bool start();
    void stop() { is_open_ = false; }

  private:
    static void run(void* self);
    void serve(TaskWatchdog& watchdog);

    std::atomic<bool> is_open_{false};
    bool has_task_ = false;
};

}  // namespace stetho::esp
