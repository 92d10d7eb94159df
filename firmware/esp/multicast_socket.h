// Socket of lwIP with which the broker is looked for. It joins no group: answers come to its own port.
#pragma once

#include "hal/multicast.h"

namespace stetho::esp {

class MulticastSocket final : public hal::Multicast {
  public:
    bool open() override;
    void close() override;
    bool ask(std::span<const std::uint8_t> message) override;
    std::size_t receive(std::span<std::uint8_t> into) override;

  private:
    int socket_ = -1;
};

}  // namespace stetho::esp
