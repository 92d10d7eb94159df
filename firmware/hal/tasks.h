// Tasks of the device that are ours to size: name, stack, priority and core of each.
//
// Nothing large lives on a stack: it is static, and filled in place. tests/cross.sh computes how deep each task can
// get, and fails unless a quarter of its stack is left. (Tasks of ESP-IDF itself: idf/sdkconfig.defaults.)
#pragma once

#include <cstddef>
#include <cstdint>

namespace stetho::hal {

struct Task {
    const char* name;
    std::uint32_t stack_bytes;
    std::uint32_t priority;
    int core;
};

inline constexpr Task kCaptureTask{"capture", 5'120, 20, 1};
inline constexpr Task kApplicationTask{"application", 10'240, 10, 0};  // it starts every part of the board
inline constexpr Task kDisplayTask{"display", 5'120, 3, 0};
inline constexpr Task kMqttTask{"mqtt_task", 9'216, 6, 0};  // esp-mqtt's name for it; a TLS handshake runs on it
inline constexpr Task kMqttJobsTask{"mqtt_jobs", 6'144, 5, 0};  // its calls of esp-mqtt write to TLS
inline constexpr Task kUpdateTask{"ota", 10'240, 4, 0};  // so does one here; below the application: it records on
inline constexpr Task kFormTask{"httpd", 7'168, 5, 0};
inline constexpr Task kNameServerTask{"names", 4'096, 4, 0};  // of the access point
inline constexpr Task kSerialTask{"serial", 5'120, 7, 0};  // above TLS: what is typed comes faster than that ends

// Tasks that say what they have left of their stack: those above, and two of ESP-IDF on which something of ours runs.
inline constexpr std::size_t kMostTasks = 14;
inline constexpr const char* kEventTaskName = "sys_evt";
inline constexpr const char* kTcpipTaskName = "tiT";

}  // namespace stetho::hal
