// Updates of the Linux program over HTTPS, by curl, into a slot that is a file.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "hal/ota.h"
#include "posix/event_queue.h"
#include "posix/image_slots.h"

namespace stetho::posix {

class HostOta final : public hal::Ota {
  public:
    static constexpr std::size_t kBlockBytes = 4'096;  // what is written at once, as on the chip

    // `directory`: of the slots; empty: there are no updates.
    HostOta(EventQueue& events, const std::string& directory) : events_(events), slots_(directory) {}
    ~HostOta() override;
    HostOta(const HostOta&) = delete;
    HostOta& operator=(const HostOta&) = delete;

    bool start(std::string_view url, std::string_view ca_pem) override;
    bool is_on_trial() override { return slots_.is_on_trial(); }
    void confirm() override { slots_.confirm(); }
    void roll_back() override;

    // Returns the version of the image that runs; empty: it is the program that was built.
    std::string version() const { return slots_.version(); }

  private:
    bool fetch(const std::string& url, const std::string& ca_pem);
    bool receive(int source);

    EventQueue& events_;
    ImageSlots slots_;
    std::atomic<bool> is_busy_{false};
    std::atomic<pid_t> curl_{0};
    std::thread thread_;
};

}  // namespace stetho::posix
