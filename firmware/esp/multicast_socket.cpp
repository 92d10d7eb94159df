#include "esp/multicast_socket.h"

#include <unistd.h>

#include "lwip/sockets.h"

namespace stetho::esp {
namespace {

constexpr std::uint32_t kGroup = 0xE00000FB;  // 224.0.0.251
constexpr std::uint16_t kPort = 5353;

}  // namespace

bool MulticastSocket::open() {
    socket_ = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    timeval timeout{};
    timeout.tv_usec = hal::kMulticastWaitMs * 1000;
    if (socket_ >= 0 && setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0) {
        return true;
    }
    close();
    return false;
}

void MulticastSocket::close() {
    if (socket_ >= 0) {
        ::close(socket_);
    }
    socket_ = -1;
}

bool MulticastSocket::ask(std::span<const std::uint8_t> message) {
    sockaddr_in all{};
    all.sin_family = AF_INET;
    all.sin_port = htons(kPort);
    all.sin_addr.s_addr = htonl(kGroup);
    return sendto(socket_, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&all), sizeof(all)) ==
           static_cast<std::ptrdiff_t>(message.size());
}

std::size_t MulticastSocket::receive(std::span<std::uint8_t> into) {
    const auto count = recvfrom(socket_, into.data(), into.size(), 0, nullptr, nullptr);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace stetho::esp
