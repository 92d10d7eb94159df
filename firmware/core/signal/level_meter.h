// Level meter: RMS, peak and clipping of the sound.
#pragma once

#include <cstdint>
#include <span>

namespace stetho {

// Level of one block of about 100 ms, in units of a 16-bit sample.
struct Level {
    std::uint16_t rms = 0;               // 0..32768
    std::uint16_t peak = 0;              // 0..32768
    std::uint16_t clipped_permille = 0;  // samples at full scale
};

// Measures the level of the newest complete block. One thread.
class LevelMeter {
  public:
    explicit LevelMeter(std::uint32_t sample_rate_hz);
    void push(std::span<const std::int16_t> samples);
    const Level& level() const { return level_; }

  private:
    void close_block();

    std::uint32_t block_samples_;
    std::uint32_t count_ = 0;
    std::uint64_t squares_ = 0;
    std::uint32_t clipped_ = 0;
    std::uint16_t peak_ = 0;
    Level level_;
};

}  // namespace stetho
