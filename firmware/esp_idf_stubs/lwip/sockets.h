// Stub of lwip/sockets.h of ESP-IDF: the declarations that our adapters use, for type checks without ESP-IDF.
#pragma once

#include <sys/time.h>

#include <cstddef>
#include <cstdint>

using socklen_t = std::uint32_t;

#define AF_INET 2
#define SOCK_DGRAM 2
#define IPPROTO_UDP 17
#define SOL_SOCKET 0xfff
#define SO_RCVTIMEO 0x1006

struct in_addr {
    std::uint32_t s_addr;
};
struct sockaddr {
    std::uint8_t sa_len;
    std::uint8_t sa_family;
    char sa_data[14];
};
struct sockaddr_in {
    std::uint8_t sin_len;
    std::uint8_t sin_family;
    std::uint16_t sin_port;
    in_addr sin_addr;
    char sin_zero[8];
};

extern "C" {
std::uint16_t htons(std::uint16_t number);
std::uint32_t htonl(std::uint32_t number);
int socket(int domain, int type, int protocol);
int bind(int socket, const sockaddr* name, socklen_t bytes);
int setsockopt(int socket, int level, int option, const void* value, socklen_t bytes);
std::ptrdiff_t recvfrom(int socket, void* into, std::size_t length, int flags, sockaddr* from, socklen_t* bytes);
std::ptrdiff_t sendto(int socket, const void* data, std::size_t length, int flags, const sockaddr* to,
                      socklen_t bytes);
}
