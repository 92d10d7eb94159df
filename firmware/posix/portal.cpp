#include "posix/portal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <vector>

namespace stetho::posix {
namespace {

constexpr int kLookEveryMs = 50;    // whether it was stopped
constexpr int kPatienceMs = 2'000;  // for the rest of a request
constexpr std::size_t kMostBytes = 16'384;

int listen_on(int port) {
    const int socket_id = ::socket(AF_INET, SOCK_STREAM, 0);
    const int yes = 1;
    ::setsockopt(socket_id, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(static_cast<std::uint16_t>(port));
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(socket_id, reinterpret_cast<sockaddr*>(&here), sizeof(here)) == 0 && ::listen(socket_id, 4) == 0)
        return socket_id;
    ::close(socket_id);
    return -1;
}

bool is_readable(int socket_id, int within_ms) {
    pollfd input{socket_id, POLLIN, 0};
    return ::poll(&input, 1, within_ms) > 0;
}

// Returns how many bytes the whole request has, as far as `text` tells.
std::size_t whole_bytes(const std::string& text) {
    const std::size_t head = text.find("\r\n\r\n");
    if (head == std::string::npos) return kMostBytes;
    const std::size_t length = text.find("Content-Length: ");
    const std::size_t body =
        length < head ? std::strtoul(text.c_str() + length + sizeof("Content-Length: ") - 1, nullptr, 10) : 0;
    return std::min(kMostBytes, head + 4 + body);
}

std::string receive(int socket_id) {
    std::string text;
    std::array<char, 4'096> bytes{};
    while (text.size() < whole_bytes(text) && is_readable(socket_id, kPatienceMs)) {
        const ssize_t count = ::read(socket_id, bytes.data(), bytes.size());
        if (count <= 0) break;
        text.append(bytes.data(), static_cast<std::size_t>(count));
    }
    return text;
}

void send_all(int socket_id, const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
        const ssize_t count = ::send(socket_id, text.data() + at, text.size() - at, MSG_NOSIGNAL);
        if (count <= 0) return;
        at += static_cast<std::size_t>(count);
    }
}

std::string response(const char* status, const std::string& body, const std::string& header = "") {
    return std::string("HTTP/1.1 ") + status + "\r\n" + header +
           "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nConnection: close\r\n"
           "Content-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

PageOut page_out(std::string& body) {
    return {[](void* self, std::string_view piece) {
                static_cast<std::string*>(self)->append(piece);
                return true;
            },
            &body};
}

}  // namespace

NetworkList made_up_networks() {
    NetworkList networks;
    networks.add("Ward 3", -48, true);
    networks.add("guests", -66, false);
    networks.add("Küche & <b>Flur</b>", -72, true);
    networks.add("\xff\xfe\"no text\"", -80, true);
    return networks;
}

bool Portal::start(const hal::AccessPoint& access_point) {
    stop();
    if (port_ == 0) return true;
    socket_ = listen_on(port_);
    if (socket_ < 0) return false;
    values_ = values_of(access_point);
    is_stopped_ = false;
    thread_ = std::thread(&Portal::serve, this);
    return true;
}

void Portal::stop() {
    is_stopped_ = true;
    if (thread_.joinable()) thread_.join();
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
}

void Portal::serve() {
    while (!is_stopped_) {
        if (!is_readable(socket_, kLookEveryMs)) continue;
        const int guest = ::accept(socket_, nullptr, nullptr);
        if (guest < 0) continue;
        send_all(guest, answer(receive(guest)));
        ::close(guest);
    }
}

std::string Portal::answer(const std::string& request) {
    const std::size_t space = request.find(' ');
    if (space == std::string::npos) return response("400 Bad Request", "");
    const std::string method = request.substr(0, space);
    const std::string path = request.substr(space + 1, request.find(' ', space + 1) - space - 1);
    const PortalTarget target = portal_target(path);
    if (method == "POST" && target == PortalTarget::kForm)
        return take_form(request.substr(std::min(request.size(), request.find("\r\n\r\n") + 4)));
    if (target != PortalTarget::kForm)
        return response("302 Found", "", "Location: " + std::string(kPortalUrl) + "\r\n");
    std::string body;
    write_form(values_, made_up_networks(), page_out(body));
    return response("200 OK", body);
}

std::string Portal::take_form(const std::string& form) {
    Settings checked;
    checked.wifi_ssid = values_.wifi_ssid;
    checked.host = values_.host;
    checked.device_id = values_.device_id;
    std::vector<char> work(hal::kMaxValueBytes);
    const auto fault = read_form(form, checked, work);
    events_.post(Event::provisioned({reinterpret_cast<const std::uint8_t*>(form.data()), form.size()}));
    std::string body;
    write_reply(fault, page_out(body));
    return response("200 OK", body);
}

}  // namespace stetho::posix
