#include "core/wire/broker_search.h"

#include <algorithm>
#include <utility>

namespace stetho {
namespace {

constexpr std::string_view kPlain = "_mqtt._tcp.local";
constexpr std::string_view kTls = "_secure-mqtt._tcp.local";
constexpr std::string_view kInstance = "stetho";
constexpr std::string_view kDomain = ".local";
constexpr std::size_t kRecordBytes = 10;   // of a record, between its name and its data
constexpr std::size_t kServiceBytes = 6;   // priority, weight, port, before the target
constexpr std::uint16_t kClassBits = 0x7FFF;  // the highest bit of the class says something else in mDNS
constexpr std::uint8_t kAnswer = 0x80;
constexpr std::uint8_t kAnswerBits = 0xF8;  // answer, and kind of the question: a standard one
constexpr std::uint8_t kErrorBits = 0x0F;

bool is_host_character(char letter) {
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' || letter == '.';
}

// Only names in `.local`: no public authority certifies one, so that nobody has a certificate for a name of his own.
bool is_host(std::string_view name) {
    return name.size() > kDomain.size() && name.ends_with(kDomain) &&
           std::all_of(name.begin(), name.end(), is_host_character);
}

bool comes_first(const FoundBroker& left, const FoundBroker& right) {
    if (left.is_complete() != right.is_complete()) return left.is_complete();
    if (left.instance != right.instance) return left.instance.view() < right.instance.view();
    if (left.host != right.host) return left.host.view() < right.host.view();
    return left.address < right.address;
}

}  // namespace

// One record of an answer: all of it lies in the message.
struct BrokerSearch::Record {
    std::size_t name = 0;
    std::uint16_t type = 0;
    std::size_t data = 0;
    std::size_t data_bytes = 0;
    std::size_t next = 0;  // 0: this is none

    static Record at(Bytes message, std::size_t begin) {
        const std::size_t end = end_of_dns_name(message, begin);
        if (end == 0 || end + kRecordBytes > message.size()) return {};
        const std::size_t bytes = dns_number(message, end + 8);
        const std::size_t data = end + kRecordBytes;
        if (bytes > message.size() - data) return {};
        const bool is_internet = (dns_number(message, end + 2) & kClassBits) == kDnsInternet;
        return {begin, is_internet ? dns_number(message, end) : std::uint16_t{0}, data, bytes, data + bytes};
    }

    // Returns the first record behind the header and the questions.
    static Record first(Bytes message) {
        std::size_t at = kDnsHeaderBytes;
        for (std::uint16_t left = dns_number(message, 4); left > 0; --left) {
            at = end_of_dns_name(message, at);
            if (at == 0 || at + 4 > message.size()) return {};
            at += 4;
        }
        return Record::at(message, at);
    }
};

void BrokerSearch::begin(bool tls, std::uint16_t id) {
    service_ = tls ? kTls : kPlain;
    id_ = id;
    count_ = 0;
    pointed_.clear();
}

std::size_t BrokerSearch::write_question(WritableBytes out) const {
    if (out.size() < kDnsHeaderBytes + 4) return 0;
    std::string_view name = service_;
    std::uint16_t type = kDnsPointer;
    const auto known = std::span(brokers_).first(count_);
    const auto lacking = std::find_if(known.begin(), known.end(), [](const auto& each) { return !each.is_complete(); });
    if (lacking != known.end()) {
        name = lacking->host;
        type = kDnsAddress;
    } else if (count_ == 0 && !pointed_.empty()) {
        name = pointed_;
        type = kDnsService;
    }
    const std::array<std::uint8_t, kDnsHeaderBytes> header{static_cast<std::uint8_t>(id_ >> 8),
                                                           static_cast<std::uint8_t>(id_), 0, 0, 0, 1};
    std::copy(header.begin(), header.end(), out.begin());
    const std::size_t bytes = write_dns_name(name, out.first(out.size() - 4).subspan(kDnsHeaderBytes));
    if (bytes == 0) return 0;
    const std::size_t end = kDnsHeaderBytes + bytes;
    const std::array<std::uint8_t, 4> rest{0, static_cast<std::uint8_t>(type), 0, kDnsInternet};
    std::copy(rest.begin(), rest.end(), out.begin() + static_cast<std::ptrdiff_t>(end));
    return end + rest.size();
}

void BrokerSearch::read(Bytes message) {
    if (message.size() < kDnsHeaderBytes || dns_number(message, 0) != id_ ||
        (message[2] & kAnswerBits) != kAnswer || (message[3] & kErrorBits) != 0)
        return;
    // Whatever the header says: as many records as there are bytes for. Services first, since addresses belong to them.
    for (const std::uint16_t type : {kDnsService, kDnsAddress, kDnsPointer}) {
        for (Record each = Record::first(message); each.next != 0; each = Record::at(message, each.next)) {
            if (each.type != type) continue;
            if (type == kDnsService) read_service(message, each);
            if (type == kDnsAddress) read_address(message, each);
            if (type == kDnsPointer) read_pointer(message, each);
        }
    }
}

// A host may have several addresses; each is a broker to try.
void BrokerSearch::read_service(Bytes message, const Record& service) {
    if (count_ == kMostBrokers || service.data_bytes <= kServiceBytes ||
        !read_dns_name(message, service.name, name_) ||
        !read_dns_name(message, service.data + kServiceBytes, target_))
        return;
    FoundBroker broker;
    broker.instance = FixedString<kMaxDnsLabelBytes>(instance_of(name_));
    broker.host = FixedString<64>(target_);
    broker.port = dns_number(message, service.data + 4);
    if (broker.instance.empty() || broker.host.is_cut() || broker.port == 0 || !is_host(broker.host)) return;
    add(broker);
}

void BrokerSearch::read_address(Bytes message, const Record& address) {
    constexpr std::uint8_t kMulticast = 224;  // and above: no address of one host
    if (address.data_bytes != 4 || message[address.data] == 0 || message[address.data] >= kMulticast ||
        !read_dns_name(message, address.name, name_))
        return;
    for (std::size_t at = 0, known = count_; at < known; ++at) {
        if (brokers_[at].host != name_.view()) continue;
        FoundBroker broker = brokers_[at];
        std::copy_n(message.begin() + static_cast<std::ptrdiff_t>(address.data), 4, broker.address.begin());
        if (brokers_[at].is_complete())
            add(broker);
        else
            brokers_[at] = broker;
    }
}

void BrokerSearch::read_pointer(Bytes message, const Record& pointer) {
    if (!read_dns_name(message, pointer.name, name_) || name_ != service_) return;
    if (read_dns_name(message, pointer.data, target_) && !instance_of(target_).empty()) pointed_ = target_;
}

// Adds a broker, unless it is known, by whatever name.
void BrokerSearch::add(const FoundBroker& broker) {
    const auto known = std::span(brokers_).first(count_);
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const FoundBroker& each) {
        return each.host == broker.host && each.port == broker.port &&
               (!broker.is_complete() || each.address == broker.address);
    });
    if (!is_known && count_ < kMostBrokers) brokers_[count_++] = broker;
}

// Returns the instance in the name of a service of ours; nothing: it is another service, or not for us.
std::string_view BrokerSearch::instance_of(std::string_view name) const {
    if (!name.starts_with(kInstance) || !name.ends_with(service_)) return {};
    name.remove_suffix(service_.size());
    if (!name.ends_with('.') || name.size() > kMaxDnsLabelBytes + 1) return {};
    name.remove_suffix(1);
    return name;
}

std::span<const FoundBroker> BrokerSearch::found() {
    // Not std::sort, which calls itself: a task's stack is small, and so is the list.
    for (std::size_t end = count_; end > 1; --end) {
        for (std::size_t at = 1; at < end; ++at) {
            if (comes_first(brokers_[at], brokers_[at - 1])) std::swap(brokers_[at], brokers_[at - 1]);
        }
    }
    std::size_t complete = 0;
    while (complete < count_ && brokers_[complete].is_complete()) ++complete;
    return std::span(brokers_).first(complete);
}

}  // namespace stetho
