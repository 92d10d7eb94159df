// Memory for recordings, allocated at start by what the board has.
#pragma once

#include <cstddef>

#include "core/device/device.h"

namespace stetho::board {

struct Memory {
    DeviceMemory device;
    std::span<std::int16_t> ring;
    std::size_t outbox_bytes;  // size of the outbox of MQTT messages
    std::uint32_t psram_bytes;  // 0: there is none
};

// Allocates the memory, once; it is never freed. With PSRAM: several recordings, chunks of 8,192 samples, and
// a ring buffer of three seconds, so that a network that stalls costs nothing. Without: one recording of 4 s
// at 4 kHz, chunks of 2,048 samples. Empty spans: not even that is there.
Memory allocate_memory();

}  // namespace stetho::board
