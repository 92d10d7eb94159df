#include "core/wire/topic.h"

#include <algorithm>
#include <array>

namespace stetho {
namespace {

constexpr std::string_view kDevices = "stetho/v1/device/";
constexpr std::string_view kWorkers = "stetho/v1/worker/";

struct Name {
    Topic topic;
    std::string_view after_device;
};

constexpr std::array<Name, 9> kNames{{{Topic::kPcm, "/up/pcm"},
                                      {Topic::kState, "/up/state"},
                                      {Topic::kInfo, "/up/info"},
                                      {Topic::kTelemetry, "/up/telemetry"},
                                      {Topic::kAnswer, "/up/answer"},
                                      {Topic::kControl, "/down/control"},
                                      {Topic::kLive, "/down/live"},
                                      {Topic::kResult, "/down/result"},
                                      {Topic::kCommand, "/down/command"}}};

bool is_of_device_id(char character) {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
           character == '-';
}

}  // namespace

TopicName topic_name(Topic topic, std::string_view device) {
    TopicName name;
    if (topic == Topic::kWorker) return name.append(kWorkers).append('+');
    for (const Name& known : kNames) {
        if (known.topic == topic) return name.append(kDevices).append(device).append(known.after_device);
    }
    return name;
}

Topic topic_of(std::string_view name, std::string_view device) {
    if (name.starts_with(kWorkers) && name.size() > kWorkers.size()) return Topic::kWorker;
    if (!name.starts_with(kDevices)) return Topic::kOther;
    name.remove_prefix(kDevices.size());
    if (!name.starts_with(device)) return Topic::kOther;
    name.remove_prefix(device.size());
    for (const Name& known : kNames) {
        if (known.after_device == name) return known.topic;
    }
    return Topic::kOther;
}

bool is_device_id(std::string_view device) {
    return !device.empty() && device.size() <= 32 &&
           std::all_of(device.begin(), device.end(), is_of_device_id);
}

}  // namespace stetho
