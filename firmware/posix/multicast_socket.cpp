#include "posix/multicast_socket.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace stetho::posix {
namespace {

constexpr const char* kEverybody = "224.0.0.251:5353";

}  // namespace

MulticastSocket::MulticastSocket(const std::string& where) {
    const std::string place = where.empty() ? kEverybody : where;
    const std::size_t colon = std::min(place.find(':'), place.size() - 1);
    const int port = std::atoi(place.c_str() + colon + 1);
    where_.sin_family = AF_INET;
    where_.sin_port = htons(static_cast<std::uint16_t>(port));
    if (port < 1 || port > 65'535 || inet_pton(AF_INET, place.substr(0, colon).c_str(), &where_.sin_addr) != 1)
        throw std::runtime_error("--ask is an address and a port, such as " + std::string(kEverybody));
}

bool MulticastSocket::open() {
    socket_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    timeval timeout{};
    timeout.tv_usec = hal::kMulticastWaitMs * 1000;
    if (socket_ >= 0 && setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0) return true;
    close();
    return false;
}

void MulticastSocket::close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
}

bool MulticastSocket::ask(std::span<const std::uint8_t> message) {
    return sendto(socket_, message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&where_),
                  sizeof(where_)) == static_cast<ssize_t>(message.size());
}

std::size_t MulticastSocket::receive(std::span<std::uint8_t> into) {
    const ssize_t count = recv(socket_, into.data(), into.size(), 0);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
}

}  // namespace stetho::posix
