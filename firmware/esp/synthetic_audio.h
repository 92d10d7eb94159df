// Microphone of a synthetic heart sound, for CONFIG_STETHO_SIM. It is paced by the system's clock.
#pragma once

#include <atomic>
#include <optional>

#include "core/signal/heart_sound_synth.h"
#include "hal/audio.h"

namespace stetho::esp {

class SyntheticAudio final : public hal::AudioSource {
  public:
    explicit SyntheticAudio(std::uint32_t bpm) : bpm_(bpm) {}

    bool start(std::uint32_t rate_hz) override;
    void stop() override { rate_hz_ = 0; }
    std::uint32_t rate_hz() const override { return rate_hz_; }
    std::size_t read(std::span<std::int32_t> slots) override;
    std::uint32_t take_lost() override { return 0; }

  private:
    std::uint32_t bpm_;
    std::atomic<std::uint32_t> rate_hz_{0};
    // Used by the capture task only:
    std::optional<HeartSoundSynth> heart_;
    std::uint32_t heart_hz_ = 0;
    std::int64_t began_us_ = 0;
    std::uint64_t given_ = 0;  // samples since then
};

}  // namespace stetho::esp
