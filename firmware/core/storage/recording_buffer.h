// Recordings in memory of the caller, each until the worker has stored it: appended to while it is made, read
// in any range at any time (first transmission and resend alike), true capture time kept.
//
// Memory is a pool of blocks of `kBlockSamples`, chained per recording, so that recordings may come and go in
// any order. When it is full, recordings that are stored go first, oldest first; one that is not stored never
// goes. Samples that the device lost are not kept as zeros: indices run on over them. One thread (the
// application's).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/wire/fixed_string.h"
#include "core/wire/sample_range.h"

namespace stetho {

// What is known of a recording when it starts.
struct RecordingInfo {
    std::uint64_t recording_id = 0;
    std::uint32_t sample_rate_hz = 0;
    bool is_stream = false;                             // no end known beforehand
    std::uint64_t started_ms = 0;                       // monotonic clock at the first sample
    std::optional<std::int64_t> captured_unix_ms = {};  // time of day at the first sample, if known
    FixedString<16> site = {};
};

// Consecutive samples of one recording, to be sent as one chunk.
struct Segment {
    std::uint32_t first_sample = 0;
    std::uint32_t count = 0;
    std::uint8_t flags =
        0;  // chunk_flag: kLast, kGapBefore, kClipped, kStream; kHasMeta and kResend are the sender's
    std::uint32_t end() const { return first_sample + count; }
    bool is_last() const { return (flags & 1U) != 0; }
};

class RecordingBuffer {
  public:
    static constexpr std::uint32_t kBlockSamples = 512;
    static constexpr std::size_t kMaxRecordings = 16;
    static constexpr std::size_t kMaxGaps =
        16;  // per recording; then the audio since the last one counts as lost

    // One recording as it is kept.
    class BufferedRecording {
      public:
        const RecordingInfo& info() const { return info_; }
        std::uint32_t length() const { return length_; }  // samples so far, lost ones included
        // Samples before this were forgotten.
        std::uint32_t available_from() const { return available_from_; }
        bool is_finished() const { return is_finished_; }  // `length` is final
        bool is_stored() const { return is_stored_; }      // the worker has it; may go at any time

      private:
        friend class RecordingBuffer;
        struct Gap {
            std::uint32_t start = 0;  // index of the first lost sample
            std::uint32_t count = 0;
        };
        // Sample `index` of the recording lies at position index - (samples lost before it) of what was kept.
        std::uint32_t position_of(std::uint32_t index) const;  // of a sample that is not in a gap
        std::uint32_t index_at(std::uint32_t position) const;
        const Gap* gap_ending_at(std::uint32_t index) const;
        const Gap* gap_around(std::uint32_t index) const;
        std::uint32_t next_gap(
            std::uint32_t index) const;  // where the next gap starts; length: there is none

        RecordingInfo info_;
        std::array<Gap, kMaxGaps> gaps_{};  // in order, never touching each other
        std::size_t gap_count_ = 0;
        std::uint32_t length_ = 0;
        std::uint32_t available_from_ = 0;
        std::uint32_t lost_before_ = 0;  // samples of gaps before `available_from_`, which are not in `gaps_`
        std::uint32_t kept_ = 0;         // positions that were ever used
        std::uint32_t given_back_ = 0;   // positions before this were given back: whole blocks
        std::uint32_t blocks_ = 0;
        std::uint16_t first_block_ = 0;
        std::uint16_t last_block_ = 0;
        std::uint32_t order_ = 0;  // the lower, the older
        bool is_used_ = false;
        bool is_finished_ = false;
        bool is_stored_ = false;
    };

    // `samples`: the pool. `links`: one number per block, `samples.size() / kBlockSamples` of them, at most
    // 65,534. Both outlive the buffer.
    RecordingBuffer(std::span<std::int16_t> samples, std::span<std::uint16_t> links);

    // Starts a recording. False: one is being made, the id is known, or there is no room for even one
    // block (every recording that is kept still waits to be stored): say "memory full" before anybody
    // presses.
    bool begin(const RecordingInfo& info);
    // Whether `begin` would find room for `samples` samples, now, without losing what is not stored.
    bool has_room(std::uint32_t samples) const;
    // Appends to the recording that is being made. Returns how many samples fitted; fewer than given: memory
    // is full, the rest counts as lost if recording goes on, so the caller finishes.
    std::uint32_t append(std::span<const std::int16_t> samples);
    // The next `count` samples of the recording that is being made were lost.
    void append_lost(std::uint32_t count);
    // Fixes the length.
    void finish();
    // Forgets the recording that is being made, as if it had not begun.
    void cancel();
    bool is_recording() const { return current_ != nullptr; }
    const BufferedRecording* current() const { return current_; }
    RecordingBuffer(const RecordingBuffer&) = delete;
    RecordingBuffer& operator=(const RecordingBuffer&) = delete;

    // The recording with this id; null when it is not here (any more).
    const BufferedRecording* find(std::uint64_t recording_id) const;
    // The oldest recording that is finished and not stored; null: nothing waits.
    const BufferedRecording* oldest_unstored() const;
    // How many recordings are not stored yet, the one that is being made included.
    std::size_t unstored() const;

    // The worker has it: it may be forgotten, and will when room is needed. One that is still being made is
    // finished by that. False: no such recording.
    bool mark_stored(std::uint64_t recording_id);
    // Forgets a recording now, stored or not (an operator's or the user's decision, never ours).
    void erase(std::uint64_t recording_id);
    // Gives memory of samples before `sample` back, in whole blocks: a stream that is longer than memory.
    void erase_before(std::uint64_t recording_id, std::uint32_t sample);
    // Sets the time of day of the first sample once the clock is known; what is known already stays.
    void set_captured(std::uint64_t recording_id, std::int64_t unix_ms);

    // Copies the first consecutive samples in `range` to `out` and says where they lie. Read on from
    // `segment.end()`. Nothing: no sample of `range` is here, or all was read. With `SampleRange::kToEnd` a
    // finished recording ends in a segment with kLast, which may be empty; that also ends the reading:
    //   for (auto segment = read(id, range, out); segment; segment = read(id, range, out)) {
    //       send(*segment); if (segment->is_last()) break; range.start = segment->end(); }
    std::optional<Segment> read(std::uint64_t recording_id, SampleRange range,
                                std::span<std::int16_t> out) const;

    std::uint32_t free_samples() const;  // without touching anything kept
    std::uint32_t capacity_samples() const;

  private:
    BufferedRecording* slot_of(std::uint64_t recording_id);
    BufferedRecording* free_slot();
    BufferedRecording* oldest_stored();
    bool extend(BufferedRecording& kept);  // by one block; false: memory is full
    void drop(BufferedRecording& kept);    // forgets it
    void drop_front(BufferedRecording& kept,
                    std::uint32_t position);  // gives back whole blocks before `position`
    void drop_back(BufferedRecording& kept,
                   std::uint32_t position);  // forgets what was kept from `position` on
    static void drop_oldest_gap(BufferedRecording& kept);
    static std::uint8_t flags_of(const BufferedRecording& kept, const Segment& segment,
                                 std::span<const std::int16_t> samples);
    void give_back(std::uint16_t first, std::uint16_t last, std::uint32_t count);
    std::uint16_t block_of(const BufferedRecording& kept, std::uint32_t position) const;
    std::span<std::int16_t> samples_of(std::uint16_t block) const;
    void copy(const BufferedRecording& kept, std::uint32_t position, std::span<std::int16_t> out) const;

    std::span<std::int16_t> samples_;
    std::span<std::uint16_t> links_;  // of each block: the next of its recording, or the next free one
    std::array<BufferedRecording, kMaxRecordings> recordings_{};
    BufferedRecording* current_ = nullptr;
    std::uint16_t free_block_ = 0;
    std::uint32_t free_blocks_ = 0;
    std::uint32_t next_order_ = 0;
};

}  // namespace stetho
