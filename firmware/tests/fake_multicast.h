// Fake of the local network: answers to the questions of a search for the broker.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>

#include "hal/multicast.h"
#include "tests/dns_packet.h"

namespace stetho::test {

struct FakeMulticast final : hal::Multicast {
    bool open() override {
        ++opens;
        is_open = can_open;
        return can_open;
    }
    void close() override { is_open = false; }
    bool ask(std::span<const std::uint8_t> message) override {
        ++asked;
        if (!is_open || !can_ask) return false;
        waiting.clear();
        if (answers) {
            for (const Packet& packet : answers(dns_number(message, 0))) waiting.push_back(packet);
        }
        return true;
    }
    std::size_t receive(std::span<std::uint8_t> into) override {
        ++received;
        if (on_receive) on_receive();
        if (waiting.empty()) return 0;
        const Packet packet = waiting.front();
        if (!floods) waiting.pop_front();
        const std::size_t size = std::min(packet.size(), into.size());
        std::copy_n(packet.begin(), size, into.begin());
        return size;
    }

    std::function<std::vector<Packet>(std::uint16_t id)> answers;
    std::function<void()> on_receive;
    std::deque<Packet> waiting;
    bool can_open = true;
    bool can_ask = true;
    bool floods = false;  // what comes comes again and again
    bool is_open = false;
    int opens = 0;
    int asked = 0;
    int received = 0;
};

}  // namespace stetho::test
