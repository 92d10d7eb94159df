#include "core/device/broker_finder.h"

namespace stetho {
namespace {

constexpr int kRounds = 3;
// A round: until nothing came for so many waits, or so many messages.
constexpr int kWaits = 5;
constexpr int kMessages = 32;

}  // namespace

const FoundBroker* BrokerFinder::next(bool tls, const std::atomic<bool>& is_wanted) {
    // Not an exchange, which chips without atomic instructions lack: a `worked` in between is of a connection that is
    // gone, and costs one try of another broker.
    const bool has_worked = has_worked_;
    has_worked_ = false;
    if (!has_worked) ++at_;
    if (tls != tls_ || at_ >= brokers_.size()) {
        tls_ = tls;
        at_ = 0;
        search(tls, is_wanted);
    }
    return is_wanted && at_ < brokers_.size() ? &brokers_[at_] : nullptr;
}

void BrokerFinder::search(bool tls, const std::atomic<bool>& is_wanted) {
    brokers_ = {};
    search_.begin(tls, static_cast<std::uint16_t>(random_.next()));
    if (!multicast_.open()) return;
    for (int round = 0; round < kRounds && brokers_.empty() && is_wanted; ++round) {
        if (!multicast_.ask(std::span(message_).first(search_.write_question(message_)))) break;
        listen(is_wanted);
        brokers_ = search_.found();
    }
    multicast_.close();
}

void BrokerFinder::listen(const std::atomic<bool>& is_wanted) {
    int messages = 0;
    for (int waits = 0; waits < kWaits && messages < kMessages && is_wanted;) {
        const std::size_t size = multicast_.receive(message_);
        if (size == 0) {
            ++waits;
            continue;
        }
        ++messages;
        search_.read(Bytes(message_).first(size));
    }
}

}  // namespace stetho
