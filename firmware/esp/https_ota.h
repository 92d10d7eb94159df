// Updates from an HTTPS server into the other application slot. Each update has a task, which posts its
// progress.
#pragma once

#include <array>
#include <atomic>

#include "core/wire/fixed_string.h"
#include "esp/event_queue.h"
#include "hal/ota.h"
#include "hal/storage.h"

namespace stetho::esp {

class HttpsOta final : public hal::Ota {
  public:
    explicit HttpsOta(EventQueue& events) : events_(events) {}

    bool start(std::string_view url, std::string_view ca_pem) override;
    bool is_on_trial() override;
    void confirm() override;
    void roll_back() override;

  private:
    static void run(void* self);
    bool fetch();
    bool receive(void* handle);

    EventQueue& events_;
    std::atomic<bool> is_busy_{false};
    FixedString<256> url_;
    FixedString<hal::kMaxValueBytes> ca_pem_;
};

}  // namespace stetho::esp
