// Publisher of chunks: takes the transmissions that are due from the send window, encodes each as a message
// and publishes it. One task calls it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/device/send_window.h"
#include "core/storage/recording_buffer.h"
#include "core/storage/settings.h"
#include "core/wire/bytes.h"
#include "core/wire/message_writer.h"
#include "hal/mqtt.h"

namespace stetho {

class ChunkPublisher {
  public:
    // Most messages that are published in one call, so that the call stays short.
    static constexpr int kMaxPerCall = 4;

    // `message`: memory for one chunk, aligned to two bytes.
    ChunkPublisher(SendWindow& window, const RecordingBuffer& buffer, hal::Mqtt& mqtt, WritableBytes message)
        : window_(window), buffer_(buffer), mqtt_(mqtt), message_(message) {}

    // Starts to publish for the device of `settings`. `boot`: random per start of the device.
    void begin(const Settings& settings, std::uint32_t boot);

    // Publishes what is due. `has_time`: the device knows the time of day, or has waited long enough for it;
    // until then no META is sent for a recording without a time. Returns the number of messages published.
    int publish_due(std::uint64_t now_ms, bool has_time);

  private:
    std::size_t build(Transmission& transmission) const;
    std::size_t build_meta(const BufferedRecording& recording) const;
    std::size_t build_audio(const BufferedRecording& recording, Transmission& transmission) const;

    SendWindow& window_;
    const RecordingBuffer& buffer_;
    hal::Mqtt& mqtt_;
    WritableBytes message_;
    const Settings* settings_ = nullptr;
    std::uint32_t boot_ = 0;
};

}  // namespace stetho
