// Capture of audio: microphone check, DC blocker, gain, decimation and ring buffer for each block of the
// microphone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/signal/dc_blocker.h"
#include "core/signal/decimator.h"
#include "core/signal/microphone_check.h"
#include "core/storage/ring_buffer.h"

namespace stetho {

struct CaptureSettings {
    std::uint32_t microphone_hz = 44'100;   // the clock of the microphone
    std::uint32_t sample_rate_hz = 44'100;  // of the recording: the same, or 4000
    std::uint16_t gain = 1;                 // 1..256
};

// It belongs to the capture thread and never blocks. `microphone` is the state of the last half second; copy
// it into an atomic for other threads.
class Capture {
  public:
    static constexpr std::size_t kBlock = 256;  // samples that are processed at once

    explicit Capture(RingBuffer& ring) : ring_(ring) {}  // `ring` outlives it

    // Begins from silence. False: there is no filter between the two rates, or the gain is out of range; it is
    // not used then.
    bool begin(const CaptureSettings& settings);

    void slots(std::span<const std::int32_t> slots);      // appends slots of an I2S microphone
    void samples(std::span<const std::int16_t> samples);  // appends samples of a file: no DC blocker, no gain
    void on_samples_lost(std::uint32_t count);            // the driver lost samples of the microphone
    MicrophoneState microphone() const { return check_.state(); }

  private:
    void pass_on(std::span<std::int16_t> samples);  // decimates them where they are

    RingBuffer& ring_;
    std::uint16_t gain_ = 1;
    DcBlocker dc_blocker_{CaptureSettings{}.microphone_hz};
    Decimator decimator_;
    MicrophoneCheck check_{CaptureSettings{}.microphone_hz};
};

}  // namespace stetho
