// Topic names of the wire protocol (docs/protocol.md, "Topics"). Any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/wire/fixed_string.h"

namespace stetho {

using TopicName = FixedString<72>;  // the longest topic of a device has 64 characters

enum class Topic : std::uint8_t {
    kPcm,
    kState,
    kInfo,
    kTelemetry,
    kAnswer,  // from the device
    kControl,
    kLive,
    kResult,
    kCommand,  // to the device
    kWorker,   // stetho/v1/worker/…, of any worker
    kOther,    // not a topic of the protocol
};

// Returns the name of a topic of `device`; for `kWorker` the filter for all workers; for `kOther` "".
TopicName topic_name(Topic topic, std::string_view device);

// Returns the topic of `device` that `name` is. The topics of other devices are `kOther`.
Topic topic_of(std::string_view name, std::string_view device);

// Returns whether `device` is a valid device id: [a-z0-9-]{1,32}.
bool is_device_id(std::string_view device);

}  // namespace stetho
