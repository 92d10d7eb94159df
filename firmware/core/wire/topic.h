// The topic names of the wire protocol (docs/protocol.md, "Topics"). Any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/wire/fixed_string.h"

namespace stetho {

using TopicName = FixedString<72>;  // the longest of a device is 64 characters

enum class Topic : std::uint8_t {
    kPcm,
    kState,
    kInfo,
    kTelemetry,  // from the device
    kControl,
    kLive,
    kResult,
    kCommand,  // to the device
    kWorker,   // stetho/v1/worker/…, of any worker
    kOther,    // none of ours
};

// Returns the name of a topic of `device`; of `kWorker` the filter of all workers; of `kOther` "".
TopicName topic_name(Topic topic, std::string_view device);

// Returns which topic of `device` a message came on. Another device's topics are `kOther`.
Topic topic_of(std::string_view name, std::string_view device);

// Whether `device` may name a device: [a-z0-9-]{1,32}.
bool is_device_id(std::string_view device);

}  // namespace stetho
