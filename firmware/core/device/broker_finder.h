// Finds the broker where its address is not set: asks the local network, and remembers who answered.
//
// One task calls `next`, which takes seconds; any may call `worked`. Brokers that were found are tried in turn, so
// that one that cannot prove who it is only delays the others. When none is left, the network is asked again.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "core/wire/broker_search.h"
#include "hal/multicast.h"
#include "hal/random.h"

namespace stetho {

class BrokerFinder {
  public:
    BrokerFinder(hal::Multicast& multicast, hal::Random& random) : multicast_(multicast), random_(random) {}

    // Returns the broker to try now: the last one, if it worked, else the next. Null: nobody answers, or
    // `is_wanted` became false. It stays valid until the next call.
    const FoundBroker* next(bool tls, const std::atomic<bool>& is_wanted);

    // The broker that `next` returned last took us.
    void worked() { has_worked_ = true; }

  private:
    void search(bool tls, const std::atomic<bool>& is_wanted);
    void listen(const std::atomic<bool>& is_wanted);

    hal::Multicast& multicast_;
    hal::Random& random_;
    BrokerSearch search_;
    std::span<const FoundBroker> brokers_;
    std::size_t at_ = 0;  // the one that was returned last
    bool tls_ = true;
    std::atomic<bool> has_worked_{false};
    // What an Ethernet frame holds; of a longer message the beginning is read.
    std::array<std::uint8_t, 1'472> message_{};
};

}  // namespace stetho
