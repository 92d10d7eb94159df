#include "main/memory.h"

#include <algorithm>

#include "core/storage/recording_buffer.h"
#include "esp_heap_caps.h"

namespace stetho::board {
namespace {

constexpr std::size_t kMostSamples = 2'500'000;      // 14 recordings of 4 s at 44.1 kHz
constexpr std::size_t kLeftBytes = 512 * 1024;       // of PSRAM, for everything else
constexpr std::size_t kSmallSamples = 18'432;        // 4 s at 4 kHz, and a little
constexpr std::size_t kRingSamples = 131'072;        // 3 s at 44.1 kHz
constexpr std::size_t kSmallRingSamples = 16'384;    // 4 s at 4 kHz
constexpr std::size_t kPreRollSamples = 11'025;      // 0.25 s at 44.1 kHz
constexpr std::size_t kSmallPreRollSamples = 1'000;  // 0.25 s at 4 kHz
constexpr std::uint32_t kChunkSamples = 8'192;
constexpr std::uint32_t kSmallChunkSamples = 2'048;
constexpr std::size_t kHeaderBytes = 32;

template <class T>
std::span<T> allocate(std::size_t count, std::uint32_t caps) {
    auto* memory = static_cast<T*>(heap_caps_malloc(count * sizeof(T), caps));
    return memory == nullptr ? std::span<T>() : std::span<T>(memory, count);
}

struct Plan {
    std::uint32_t caps;
    std::size_t samples;
    std::size_t ring_samples;
    std::size_t pre_roll_samples;
    std::uint32_t chunk_samples;
    std::size_t in_flight;
    std::size_t outbox_bytes;
};

Plan plan_for(std::size_t psram_bytes) {
    if (psram_bytes <= 2 * kLeftBytes) {
        return {MALLOC_CAP_INTERNAL | MALLOC_CAP_8BIT,
                kSmallSamples,
                kSmallRingSamples,
                kSmallPreRollSamples,
                kSmallChunkSamples,
                4,
                24 * 1024};
    }
    const std::size_t samples = std::min(kMostSamples, (psram_bytes - kLeftBytes) / sizeof(std::int16_t));
    return {MALLOC_CAP_SPIRAM | MALLOC_CAP_8BIT,
            samples / RecordingBuffer::kBlockSamples * RecordingBuffer::kBlockSamples,
            kRingSamples,
            kPreRollSamples,
            kChunkSamples,
            8,
            160 * 1024};
}

}  // namespace

Memory allocate_memory() {
    const std::size_t psram_bytes = heap_caps_get_largest_free_block(MALLOC_CAP_SPIRAM);
    const Plan plan = plan_for(psram_bytes);
    Memory memory{};
    memory.ring = allocate<std::int16_t>(plan.ring_samples, plan.caps);
    memory.device.pre_roll = allocate<std::int16_t>(plan.pre_roll_samples, plan.caps);
    memory.device.message = allocate<std::uint8_t>(kHeaderBytes + 2 * plan.chunk_samples, plan.caps);
    memory.device.samples = allocate<std::int16_t>(plan.samples, plan.caps);
    memory.device.links = allocate<std::uint16_t>(plan.samples / RecordingBuffer::kBlockSamples, plan.caps);
    memory.device.chunk_samples = plan.chunk_samples;
    memory.device.in_flight = plan.in_flight;
    memory.outbox_bytes = plan.outbox_bytes;
    memory.psram_bytes = static_cast<std::uint32_t>(heap_caps_get_total_size(MALLOC_CAP_SPIRAM));
    return memory;
}

}  // namespace stetho::board
