// The stethoscope: events go in, messages and screens come out. It owns no task, no lock and no memory of
// size.
//
// Thread rules: one task (the application's) calls everything here. Audio reaches it from a `Ring`; nothing
// that it does can hold up the capture. Nothing here blocks, except writing settings.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "core/backoff.h"
#include "core/canvas.h"
#include "core/command_reader.h"
#include "core/control_reader.h"
#include "core/debounce.h"
#include "core/event.h"
#include "core/gate.h"
#include "core/json_writer.h"
#include "core/level.h"
#include "core/live_reader.h"
#include "core/recording_buffer.h"
#include "core/result_reader.h"
#include "core/screen.h"
#include "core/send_window.h"
#include "core/settings.h"
#include "core/state.h"
#include "core/topic.h"
#include "core/worker_reader.h"
#include "hal/audio.h"
#include "hal/clock.h"
#include "hal/mqtt.h"
#include "hal/network.h"
#include "hal/ota.h"
#include "hal/random.h"
#include "hal/storage.h"
#include "hal/system.h"

namespace stetho {

// What the device works in; all of it outlives the device.
struct DeviceMemory {
    std::span<std::int16_t> samples;   // recordings; 2 bytes a sample
    std::span<std::uint16_t> links;    // samples.size() / RecordingBuffer::kBlockSamples
    std::span<std::int16_t> pre_roll;  // what lies before the gate opens: 0.25 s; may be empty without a gate
    std::span<std::uint8_t> message;   // one chunk: 32 + 2 · chunk_samples, at least 1,024
    std::uint32_t chunk_samples = 2'048;  // 8,192 with PSRAM
    std::size_t in_flight = 4;            // messages without PUBACK at once; 8 with PSRAM
};

struct DeviceParts {
    hal::AudioSource& audio;
    hal::Mqtt& mqtt;
    hal::Network& network;
    hal::Storage& storage;
    hal::Clock& clock;
    hal::Random& random;
    hal::Ota& ota;
    hal::System& system;
};

struct DeviceFacts {
    std::string_view firmware;  // such as "stetho 0.2.0"
    std::string_view hardware;  // such as "esp32s3"
};

class Device {
  public:
    Device(const DeviceMemory& memory, const DeviceParts& parts, const DeviceFacts& facts);

    // Starts: reads the settings from storage, or takes `given` (a Linux program's arguments) and stores
    // nothing.
    void begin(const std::optional<Settings>& given = std::nullopt);

    void on(const Event& event);

    // Time passes; at least every 20 ms, and after every batch of events.
    void tick();

    // What the display shows; draw it when `is_lit`.
    const Canvas& screen() const { return canvas_; }
    const Screen& words() const { return words_; }
    bool is_lit() const { return is_lit_; }

    State state() const { return machine_.state(); }
    const Settings& settings() const { return settings_; }
    const SendWindow& window() const { return window_; }
    const RecordingBuffer& recordings() const { return buffer_; }
    // The last result that was shown; none yet.
    const std::optional<Result>& result() const { return result_; }
    bool is_online() const { return is_online_; }

    // Ends in order: says "offline" and disconnects. For programs that end; a stethoscope is just switched
    // off.
    void end();

  private:
    // ... see device.cpp; the parts of it are in the order of the sentence in docs/architecture.md.
};

}  // namespace stetho
