// Buffer of recordings in memory of the caller. Each stays until the worker has stored it: it is appended to
// while it is made, and any range of it is read at any time, for the first transmission and for resends.
//
// Memory is a pool of blocks (core/storage/block_pool.h). When it is full, recordings that the worker has
// stored are erased, oldest first; one that is not stored is never erased. Samples that the device lost take
// no memory: indices run on over them. The true capture time is kept. One thread (the application's).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/storage/block_pool.h"
#include "core/storage/buffered_recording.h"
#include "core/wire/sample_range.h"

namespace stetho {

// Consecutive samples of one recording, to be sent as one chunk.
struct Segment {
    std::uint32_t first_sample = 0;
    std::uint32_t count = 0;
    // Of chunk_flag: kLast, kGapBefore, kClipped, kStream. The publisher adds kHasMeta and kResend.
    std::uint8_t flags = 0;
    std::uint32_t end() const { return first_sample + count; }
    bool is_last() const { return (flags & 1U) != 0; }
};

class RecordingBuffer {
  public:
    static constexpr std::uint32_t kBlockSamples = BlockPool::kBlockSamples;
    static constexpr std::size_t kMaxRecordings = 16;

    // `samples`: memory for recordings. `links`: one number per block, `samples.size() / kBlockSamples` of
    // them, at most 65,534. Both outlive the buffer.
    RecordingBuffer(std::span<std::int16_t> samples, std::span<std::uint16_t> links)
        : pool_(samples, links) {}
    RecordingBuffer(const RecordingBuffer&) = delete;
    RecordingBuffer& operator=(const RecordingBuffer&) = delete;

    // Starts a recording. False: another one is being made, the id is known, or there is no room for even one
    // block (every recording here still waits to be stored): show "memory full" before a person presses.
    bool begin(const RecordingInfo& info);
    // Returns whether `begin` would find room for `samples` samples, now, without losing what is not stored.
    bool has_room(std::uint32_t samples) const;
    // Appends to the recording that is being made. Returns how many samples fitted. Fewer than given: memory
    // is full; the rest would count as lost if recording went on, so the caller finishes.
    std::uint32_t append(std::span<const std::int16_t> samples);
    // Appends a gap: the next `count` samples of the recording that is being made were lost. After
    // GapList::kMaxGaps gaps the audio since the last one counts as lost, too.
    void append_lost(std::uint32_t count);
    // Ends the recording that is being made: its length is final.
    void finish();
    // Erases the recording that is being made, as if it had not begun.
    void cancel();
    bool is_recording() const { return current_ != nullptr; }
    const BufferedRecording* current() const { return current_; }

    // Returns the recording with this id; null: it is not here (any more).
    const BufferedRecording* find(std::uint64_t recording_id) const;
    // Returns the oldest recording that is finished and not stored; null: none waits.
    const BufferedRecording* oldest_unstored() const;
    // Returns how many recordings are not stored yet, the one that is being made included.
    std::size_t unstored() const;

    // Marks a recording as stored by the worker: it is erased when room is needed. One that is still being
    // made is finished. False: no such recording.
    bool mark_stored(std::uint64_t recording_id);
    // Erases a recording now, stored or not (a decision of the operator or of the user).
    void erase(std::uint64_t recording_id);
    // Frees the memory of samples before `sample`, in whole blocks: for a stream that is longer than memory.
    void erase_before(std::uint64_t recording_id, std::uint32_t sample);
    // Sets the time of day of the first sample once the clock is known; a time that is known already stays.
    void set_captured(std::uint64_t recording_id, std::int64_t unix_ms);

    // Copies the first consecutive samples in `range` to `out` and returns where they lie. Read on from
    // `segment.end()`. Nothing: no sample of `range` is here, or all were read. With `SampleRange::kToEnd` a
    // finished recording ends in a segment with kLast, which may be empty; that also ends the reading:
    //   for (auto segment = read(id, range, out); segment; segment = read(id, range, out)) {
    //       send(*segment); if (segment->is_last()) break; range.start = segment->end(); }
    std::optional<Segment> read(std::uint64_t recording_id, SampleRange range,
                                std::span<std::int16_t> out) const;

    std::uint32_t free_samples() const { return pool_.free_blocks() * kBlockSamples; }  // without erasing
    std::uint32_t capacity_samples() const { return pool_.capacity_samples(); }

  private:
    BufferedRecording* find_mutable(std::uint64_t recording_id);
    BufferedRecording* free_slot();
    BufferedRecording* oldest_stored();
    bool extend(BufferedRecording& recording);  // by one block; false: memory is full
    void remove(BufferedRecording& recording);
    // Frees whole blocks before `position`.
    void release_before(BufferedRecording& recording, std::uint32_t position);
    // Erases what was written from `position` on.
    void truncate(BufferedRecording& recording, std::uint32_t position);
    static std::uint8_t flags_of(const BufferedRecording& recording, const Segment& segment,
                                 std::span<const std::int16_t> samples);

    BlockPool pool_;
    std::array<BufferedRecording, kMaxRecordings> recordings_{};
    BufferedRecording* current_ = nullptr;
    std::uint32_t next_order_ = 0;
};

}  // namespace stetho
