// The memory that a board takes at its start, with PSRAM and without.
#include <doctest/doctest.h>

#include <cstdlib>

#include "esp_heap_caps.h"
#include "main/memory.h"

using namespace stetho;

namespace {

constexpr std::size_t kInternalBytes = 200 * 1024;  // what Wi-Fi, TLS and the tasks leave, at least

// Bytes of each kind of memory, and how many of them were taken.
struct Heap {
    std::size_t size = 0;
    std::size_t taken = 0;
};
Heap psram;
Heap internal;

Heap& heap_of(std::uint32_t caps) { return (caps & MALLOC_CAP_SPIRAM) != 0 ? psram : internal; }

// Frees what a test took: the device never does.
struct Kept {
    board::Memory memory;
    Kept(std::size_t psram_bytes, std::size_t internal_bytes) {
        psram = {psram_bytes, 0};
        internal = {internal_bytes, 0};
        memory = board::allocate_memory();
    }
    ~Kept() {
        std::free(memory.ring.data());
        std::free(memory.device.pre_roll.data());
        std::free(memory.device.message.data());
        std::free(memory.device.samples.data());
        std::free(memory.device.links.data());
    }
    Kept(const Kept&) = delete;
    Kept& operator=(const Kept&) = delete;

    bool is_whole() const {
        return !memory.ring.empty() && !memory.device.pre_roll.empty() && !memory.device.message.empty() &&
               !memory.device.samples.empty() && !memory.device.links.empty();
    }
};

}  // namespace

extern "C" {
void* heap_caps_malloc(std::size_t size, std::uint32_t caps) {
    Heap& heap = heap_of(caps);
    if (heap.taken + size > heap.size) return nullptr;
    heap.taken += size;
    return std::malloc(size);
}
std::size_t heap_caps_get_total_size(std::uint32_t caps) { return heap_of(caps).size; }
std::size_t heap_caps_get_largest_free_block(std::uint32_t caps) { return heap_of(caps).size - heap_of(caps).taken; }
}

TEST_CASE("a board without PSRAM, or whose PSRAM does not answer, has memory for a recording of 4 s at 4 kHz") {
    const Kept kept(0, kInternalBytes);
    CHECK(kept.is_whole());
    CHECK(kept.memory.psram_bytes == 0);
    CHECK(kept.memory.device.samples.size() >= 4 * 4'000);
    CHECK(kept.memory.ring.size() >= 3 * 4'000);
    CHECK(kept.memory.device.chunk_samples <= kept.memory.device.message.size() / sizeof(std::int16_t));
    CHECK(internal.taken + kept.memory.outbox_bytes < kInternalBytes / 2);
}

TEST_CASE("with PSRAM nothing large is in the chip's own memory") {
    for (const std::size_t megabytes : {2U, 8U, 16U}) {
        CAPTURE(megabytes);
        const Kept kept(megabytes * 1024 * 1024, kInternalBytes);
        CHECK(kept.is_whole());
        CHECK(kept.memory.psram_bytes == megabytes * 1024 * 1024);
        CHECK(internal.taken == 0);
        CHECK(kept.memory.device.samples.size() >= 4 * 4 * 44'100);
        CHECK(kept.memory.ring.size() >= 2 * 44'100);
    }
}

TEST_CASE("memory that is not enough is empty, and said by the start") {
    const Kept kept(0, 16 * 1024);
    CHECK(kept.memory.device.samples.empty());
}
