// How much memory there is for recordings, found out at start.
#pragma once

#include <cstddef>

#include "core/device/device.h"

namespace stetho::board {

struct Memory {
    DeviceMemory device;
    std::span<std::int16_t> ring;
    std::size_t outbox_bytes;  // of MQTT messages that wait
    bool has_psram;
};

// Takes the memory, once, for good. With PSRAM: several recordings, chunks of 8,192 samples, and a ring of
// three seconds, so that a network that stalls costs nothing. Without: one recording of 4 s at 4 kHz, chunks
// of 2,048. Empty spans: not even that is there.
Memory allocate_memory();

}  // namespace stetho::board
