// Tasks of the device that are ours to size: name, stack, priority and core of each.
//
// Nothing large lives on a stack: it is static, and filled in place. (Tasks of ESP-IDF itself are sized in
// idf/sdkconfig.defaults.)
#pragma once

#include <cstdint>

namespace stetho::hal {

struct Task {
    const char* name;
    std::uint32_t stack_bytes;
    std::uint32_t priority;
    int core;
};

inline constexpr Task kCaptureTask{"capture", 6'144, 20, 1};
inline constexpr Task kApplicationTask{"application", 12'288, 10, 0};  // it starts every part of the board
inline constexpr Task kDisplayTask{"display", 6'144, 3, 0};
inline constexpr Task kMqttTask{"mqtt_task", 6'144, 6, 0};  // esp-mqtt's name for it; a TLS handshake runs on it
inline constexpr Task kMqttJobsTask{"mqtt_jobs", 6'144, 5, 0};  // its calls of esp-mqtt write to TLS
inline constexpr Task kUpdateTask{"ota", 8'192, 4, 0};  // so does one here; below the application: it records on
inline constexpr Task kFormTask{"httpd", 4'096, 5, 0};
inline constexpr Task kSerialTask{"serial", 4'096, 7, 0};  // above TLS: what is typed comes faster than that ends

}  // namespace stetho::hal
