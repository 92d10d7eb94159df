#include "esp/name_server.h"

#include <unistd.h>

#include <array>

#include "core/portal/dns_answer.h"
#include "esp/task_watchdog.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#include "hal/tasks.h"
#include "lwip/sockets.h"

namespace stetho::esp {
namespace {

constexpr int kPort = 53;
constexpr int kLookEveryMs = 500;  // whether it was stopped
constexpr std::array<std::uint8_t, 4> kAddress{192, 168, 4, 1};

int open_socket() {
    const int socket_id = socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP);
    if (socket_id < 0) {
        return -1;
    }
    timeval timeout{};
    timeout.tv_usec = kLookEveryMs * 1000;
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_port = htons(kPort);
    if (setsockopt(socket_id, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
        bind(socket_id, reinterpret_cast<sockaddr*>(&here), sizeof(here)) == 0) {
        return socket_id;
    }
    close(socket_id);
    return -1;
}

}  // namespace

bool NameServer::start() {
    is_open_ = true;
    if (!has_task_) {
        has_task_ = xTaskCreatePinnedToCore(run, hal::kNameServerTask.name, hal::kNameServerTask.stack_bytes, this,
                                            hal::kNameServerTask.priority, nullptr,
                                            hal::kNameServerTask.core) == pdPASS;
    }
    return has_task_;
}

void NameServer::run(void* self) {
    TaskWatchdog watchdog;
    for (;;) {
        watchdog.feed();
        static_cast<NameServer*>(self)->serve(watchdog);
        vTaskDelay(pdMS_TO_TICKS(kLookEveryMs));
    }
}

void NameServer::serve(TaskWatchdog& watchdog) {
    if (!is_open_) {
        return;
    }
    const int socket_id = open_socket();
    static std::array<std::uint8_t, kMaxDnsBytes> query;
    static std::array<std::uint8_t, kMaxDnsBytes> answer;
    while (socket_id >= 0 && is_open_) {
        watchdog.feed();
        sockaddr_in from{};
        socklen_t from_bytes = sizeof(from);
        const auto count = recvfrom(socket_id, query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from),
                                    &from_bytes);
        if (count <= 0) {
            continue;
        }
        const std::size_t length = answer_dns({query.data(), static_cast<std::size_t>(count)}, kAddress, answer);
        if (length > 0) {
            sendto(socket_id, answer.data(), length, 0, reinterpret_cast<sockaddr*>(&from), from_bytes);
        }
    }
    if (socket_id >= 0) {
        close(socket_id);
    }
}

}  // namespace stetho::esp
