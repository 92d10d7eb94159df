// Microphone that plays a WAV file or a synthetic heart sound, in real time or faster.
//
// Before it plays, and after a file has ended, it delivers faint noise, as a microphone in a quiet room does.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <vector>

#include "core/device/capture.h"
#include "core/signal/heart_sound_synth.h"
#include "hal/audio.h"

namespace stetho::posix {

class SimulatedMicrophone final : public hal::AudioSource {
  public:
    // `samples`: the sound of a file at `rate_hz`; empty: a heart sound of `bpm`, which always plays.
    SimulatedMicrophone(std::vector<std::int16_t> samples, std::uint32_t rate_hz, std::uint32_t bpm,
                        double pace);

    bool start(std::uint32_t rate_hz) override;
    void stop() override { is_running_ = false; }
    std::uint32_t rate_hz() const override { return rate_hz_; }
    std::size_t read(std::span<std::int32_t> slots) override;
    std::uint32_t take_lost() override { return 0; }

    // Plays the file from its start, from the next sample on. Any thread.
    void play() { is_asked_to_play_ = true; }

    // Unplugs the microphone, or plugs it in again: without it the line reads zeros. Any thread.
    void plug(bool is_plugged) { is_plugged_ = is_plugged; }

    // Waits for a block and passes it to `capture`, in the capture thread. The samples of a file are passed
    // unchanged, those of a heart sound as slots of an I2S microphone.
    void process_block(Capture& capture);

  private:
    void wait_for(std::size_t count);
    void fill_from_file(std::span<std::int16_t> block);

    std::vector<std::int16_t> samples_;
    std::uint32_t rate_hz_;
    double pace_;
    HeartSoundSynth heart_;
    std::atomic<bool> is_running_{false};
    std::atomic<bool> is_asked_to_play_{false};
    std::atomic<bool> is_plugged_{true};
    // Used by the capture thread only:
    std::optional<std::size_t> at_;
    std::uint32_t noise_ = 1;
    std::chrono::steady_clock::time_point began_;
    std::uint64_t given_ = 0;
};

}  // namespace stetho::posix
