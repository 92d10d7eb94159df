// Search for the broker in the local network: questions and answers of mDNS (RFC 6762) and DNS-SD (RFC 6763).
//
// A broker is announced as an instance of `_secure-mqtt._tcp.local` (TLS) or `_mqtt._tcp.local` whose name begins
// with "stetho", on a host in `.local`. The questions are one-shot: answers come to the port that asked, with the
// id of the question. Nothing that arrives is trusted: who is found still has to prove who it is, by TLS.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "core/wire/bytes.h"
#include "core/wire/dns_message.h"

namespace stetho {

struct FoundBroker {
    FixedString<kMaxDnsLabelBytes> instance;
    FixedString<64> host;                   // in lower case; with TLS the certificate must have this name
    std::array<std::uint8_t, 4> address{};  // 0.0.0.0: not known yet
    std::uint16_t port = 0;

    bool is_complete() const { return address[0] != 0; }
    friend bool operator==(const FoundBroker&, const FoundBroker&) = default;
};

class BrokerSearch {
  public:
    static constexpr std::size_t kMostBrokers = 4;  // more are not looked at

    // Forgets everything. `id` is random: answers must have it.
    void begin(bool tls, std::uint16_t id);

    // Writes the question for what is not known yet: first who is there. Returns its length; 0: `out` is too short.
    std::size_t write_question(WritableBytes out) const;

    // Reads what arrived; what is no answer of ours changes nothing.
    void read(Bytes message);

    // Returns the brokers of which everything is known, those with the smallest names first.
    std::span<const FoundBroker> found();

  private:
    struct Record;

    void read_service(Bytes message, const Record& service);
    void read_pointer(Bytes message, const Record& pointer);
    void read_address(Bytes message, const Record& address);
    void add(const FoundBroker& broker);
    std::string_view instance_of(std::string_view name) const;

    std::string_view service_;
    std::uint16_t id_ = 0;
    std::array<FoundBroker, kMostBrokers> brokers_{};
    std::size_t count_ = 0;
    DnsName pointed_;  // an instance that was named; empty: none
    DnsName name_;     // of the record that is read
    DnsName target_;
};

}  // namespace stetho
