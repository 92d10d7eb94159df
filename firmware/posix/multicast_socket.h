// Socket with which the broker is looked for. It joins no group: answers come to its own port.
#pragma once

#include <netinet/in.h>

#include <string>

#include "hal/multicast.h"

namespace stetho::posix {

class MulticastSocket final : public hal::Multicast {
  public:
    // Asks `where`, "address:port"; empty: everybody.
    explicit MulticastSocket(const std::string& where);

    bool open() override;
    void close() override;
    bool ask(std::span<const std::uint8_t> message) override;
    std::size_t receive(std::span<std::uint8_t> into) override;

  private:
    sockaddr_in where_{};
    int socket_ = -1;
};

}  // namespace stetho::posix
