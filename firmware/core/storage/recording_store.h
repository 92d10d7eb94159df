// Store of recordings in flash: what the worker has not stored survives power-off and a flat battery.
//
// Each recording is a log of its own (core/storage/flash_log.h) in sectors of its own, which are taken in turn, so
// that all of them wear alike. Sound is appended while it is recorded or after. A power cut at any byte leaves
// recordings that were ended as they were, and of the one that was being written what is whole; what was dropped
// stays dropped. One task (the application's); writing a page blocks it for about 1 ms, erasing for 45 to 400 ms.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/storage/flash_log.h"
#include "core/storage/recording_buffer.h"
#include "hal/flash.h"

namespace stetho {

// Recording in flash.
struct KeptRecording {
    std::uint64_t recording_id = 0;
    std::uint32_t log = 0;             // the higher, the younger; 0: none
    std::uint32_t sample_rate_hz = 0;
    std::uint32_t length = 0;          // samples so far, gaps included
    bool is_whole = false;             // it has its end
    std::uint16_t first_sector = 0;
    std::uint16_t last_sector = 0;
    std::uint16_t sectors = 0;
    std::uint16_t end_offset = 0;      // in the last sector, where the next record goes; 0: not known
};

// Outcome of a write.
enum class StoreResult : std::uint8_t {
    kDone,
    kMustErase,  // there is room, but it is not erased: `erase_one`, then again
    kFull,       // every sector, or every place for a recording, is in use
};

class RecordingStore {
  public:
    static constexpr std::size_t kMaxRecordings = 64;
    static constexpr std::uint32_t kMaxSectors = 512;  // 2 MB; more is not used
    // Most samples of one record, so of one `append` that is written at once.
    static constexpr std::size_t kRecordSamples = FlashLog::kMaxBodyBytes / sizeof(std::int16_t);

    static constexpr std::uint32_t kSectorSamples =
        (FlashLog::kSectorBytes - FlashLog::kHeaderBytes) / (FlashLog::kHeaderBytes + FlashLog::kMaxBodyBytes) * kRecordSamples;

    explicit RecordingStore(hal::Flash& flash) : log_(flash) {}

    // Reads what is in flash. `random`: where to begin in an empty one, so that it wears evenly.
    void mount(std::uint32_t random);

    // Begins to keep a recording.
    StoreResult begin(const RecordingInfo& info);
    // Appends samples from index `first_sample` on, at most kRecordSamples; those between are lost.
    StoreResult append(std::uint64_t recording_id, std::uint32_t first_sample,
                       std::span<const std::int16_t> samples);
    // Sets the time of day of the first sample, once it is known.
    StoreResult set_captured(std::uint64_t recording_id, std::int64_t unix_ms);
    // Ends the recording: it has `length` samples, and is whole.
    StoreResult end(std::uint64_t recording_id, std::uint32_t length);
    // Drops a recording, for good.
    void drop(std::uint64_t recording_id);
    // Erases one sector that no recording is in. False: there is none that needs it.
    bool erase_one();

    // Writes, reads and erases a sector that no recording is in, for the factory test. False: it does not hold what is
    // written. Nothing: every sector is in use.
    std::optional<bool> check_free();

    // Returns the recording with this id; null: it is not here.
    const KeptRecording* find(std::uint64_t recording_id) const;
    // Returns the oldest recording that is younger than `log`; null: none.
    const KeptRecording* next_after(std::uint32_t log) const;
    std::size_t count() const;
    // Returns what is known of a recording that is here.
    std::optional<RecordingInfo> info(const KeptRecording& kept) const;
    // Copies a recording, as it is here, into `buffer`, where none is being made; one without an end ends with its
    // last sample. False: no room for it.
    bool load(std::uint64_t recording_id, RecordingBuffer& buffer) const;

    // Returns whether there is room for a recording of so many samples.
    bool has_room(std::uint32_t samples) const;
    std::uint32_t size_bytes() const { return sectors_ * FlashLog::kSectorBytes; }

  private:
    // Uses of a sector: the index of its recording, or one of these.
    static constexpr std::uint8_t kBlank = 0xFF;
    static constexpr std::uint8_t kDirty = 0xFE;
    static constexpr std::uint8_t kWornOut = 0xFD;  // it holds nothing; tried again after a restart

    // Place in a log.
    struct Position {
        std::uint32_t sector = 0;
        std::uint32_t offset = 0;
    };

    KeptRecording* find_mutable(std::uint64_t recording_id);
    void mount_sector(std::uint32_t sector);
    void adopt_sector(std::uint32_t sector);
    void measure(KeptRecording& kept);
    void forget(KeptRecording& kept);
    std::uint8_t index_of(const KeptRecording& kept) const {
        return static_cast<std::uint8_t>(&kept - recordings_.data());
    }
    std::uint32_t steps_between(std::uint32_t from, std::uint32_t to) const {
        return (to + sectors_ - from) % sectors_;
    }
    std::uint32_t sector_after(const KeptRecording& kept, std::uint32_t sector) const;
    std::uint32_t end_offset(const KeptRecording& kept) const;
    StoreResult write(KeptRecording& kept, RecordType type, std::uint32_t value, Bytes body);
    StoreResult extend(KeptRecording& kept);
    std::optional<std::uint32_t> free_sector(const KeptRecording* kept, bool& must_erase) const;
    // Reads the next record of a recording; nothing at its end.
    std::optional<Record> next(const KeptRecording& kept, Position& at) const;
    void take_record(KeptRecording& kept, const Record& record);
    bool load_audio(const Record& record, RecordingBuffer& buffer) const;

    FlashLog log_;
    std::uint32_t sectors_ = 0;
    std::uint32_t cursor_ = 0;    // the sector that is taken next, if it is free
    std::uint32_t newest_ = 0;    // the highest number of a log so far
    std::array<KeptRecording, kMaxRecordings> recordings_{};
    std::array<std::uint8_t, kMaxSectors> uses_{};
};

}  // namespace stetho
