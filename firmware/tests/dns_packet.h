// Answers of mDNS, for tests.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/wire/broker_search.h"

namespace stetho::test {

using Packet = std::vector<std::uint8_t>;

inline void put16(Packet& packet, std::size_t number) {
    packet.push_back(static_cast<std::uint8_t>(number >> 8));
    packet.push_back(static_cast<std::uint8_t>(number));
}

inline void put_name(Packet& packet, const std::string& name) {
    std::array<std::uint8_t, 256> labels{};
    const std::size_t size = write_dns_name(name, labels);
    packet.insert(packet.end(), labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(size));
}

inline Packet answer(std::uint16_t id) {
    Packet packet;
    put16(packet, id);
    for (const std::size_t number : {0x8400U, 0U, 1U, 0U, 0U}) put16(packet, number);
    return packet;
}

inline Packet& record(Packet& packet, const std::string& name, std::size_t type, const Packet& data,
                      std::size_t kind = 0x8001) {
    put_name(packet, name);
    put16(packet, type);
    put16(packet, kind);
    put16(packet, 0);
    put16(packet, 120);
    put16(packet, data.size());
    packet.insert(packet.end(), data.begin(), data.end());
    return packet;
}

inline Packet& pointer(Packet& packet, const std::string& service, const std::string& instance) {
    Packet data;
    put_name(data, instance + "." + service);
    return record(packet, service, 12, data);
}

inline Packet& service(Packet& packet, const std::string& name, const std::string& host, std::uint16_t port) {
    Packet data{0, 0, 0, 0};
    put16(data, port);
    put_name(data, host);
    return record(packet, name, 33, data);
}

inline Packet& address(Packet& packet, const std::string& host, std::uint8_t last) {
    return record(packet, host, 1, {192, 168, 1, last});
}

// A broker whose address ends in `last`, all in one message.
inline Packet announced(std::uint16_t id, const std::string& instance, std::uint8_t last,
                        const std::string& type = "_secure-mqtt._tcp.local", const std::string& host = "ward.local") {
    Packet packet = answer(id);
    pointer(packet, type, instance);
    service(packet, instance + "." + type, host, 8883);
    return address(packet, host, last);
}

}  // namespace stetho::test
