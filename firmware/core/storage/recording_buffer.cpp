#include "core/storage/recording_buffer.h"

#include <algorithm>

#include "core/signal/sample_conversion.h"
#include "core/wire/chunk.h"

namespace stetho {

bool RecordingBuffer::begin(const RecordingInfo& info) {
    if (current_ != nullptr || find(info.recording_id) != nullptr || !has_room(1)) return false;
    BufferedRecording* recording = free_slot();
    *recording = BufferedRecording();
    recording->info_ = info;
    recording->is_used_ = true;
    recording->order_ = next_order_++;
    current_ = recording;
    extend(*recording);
    return true;
}

bool RecordingBuffer::has_room(std::uint32_t samples) const {
    std::uint32_t blocks = pool_.free_blocks();
    bool has_slot = false;
    for (const BufferedRecording& recording : recordings_) {
        has_slot = has_slot || !recording.is_used_ || recording.is_stored_;
        if (recording.is_used_ && recording.is_stored_) blocks += recording.blocks_.blocks;
    }
    return has_slot && blocks >= BlockPool::blocks_for(samples);
}

std::uint32_t RecordingBuffer::append(std::span<const std::int16_t> samples) {
    if (current_ == nullptr) return 0;
    const std::uint32_t limit = kMaxSamples - current_->length_;
    samples = samples.first(std::min<std::size_t>(samples.size(), limit));
    std::uint32_t done = 0;
    while (done < samples.size()) {
        const std::uint32_t used = current_->written_ - current_->released_;
        if (used == current_->blocks_.blocks * kBlockSamples && !extend(*current_)) break;
        const auto room = pool_.last_block(current_->blocks_).subspan(used % kBlockSamples);
        const std::size_t count = std::min<std::size_t>(room.size(), samples.size() - done);
        std::copy_n(samples.subspan(done).begin(), count, room.begin());
        done += static_cast<std::uint32_t>(count);
        current_->written_ += static_cast<std::uint32_t>(count);
    }
    current_->length_ += done;
    return done;
}

void RecordingBuffer::append_lost(std::uint32_t count) {
    if (current_ == nullptr) return;
    BufferedRecording& recording = *current_;
    GapList& gaps = recording.gaps_;
    count = std::min(count, kMaxSamples - recording.length_);
    if (count == 0) return;
    const bool touches = gaps.ending_at(recording.length_) != nullptr;
    if (touches || gaps.is_full()) {
        if (!touches) truncate(recording, gaps.position_of(gaps.last().start));
        gaps.extend_last(recording.length_ + count);
    } else {
        gaps.append({recording.length_, count});
    }
    recording.length_ += count;
}

void RecordingBuffer::finish() {
    if (current_ != nullptr) current_->is_finished_ = true;
    current_ = nullptr;
}

void RecordingBuffer::cancel() {
    if (current_ != nullptr) remove(*current_);
}

const BufferedRecording* RecordingBuffer::find(std::uint64_t recording_id) const {
    for (const BufferedRecording& recording : recordings_) {
        if (recording.is_used_ && recording.info_.recording_id == recording_id) return &recording;
    }
    return nullptr;
}

const BufferedRecording* RecordingBuffer::oldest_unstored() const {
    const BufferedRecording* oldest = nullptr;
    for (const BufferedRecording& recording : recordings_) {
        const bool waits = recording.is_used_ && recording.is_finished_ && !recording.is_stored_;
        if (waits && (oldest == nullptr || recording.order_ < oldest->order_)) oldest = &recording;
    }
    return oldest;
}

std::size_t RecordingBuffer::unstored() const {
    return static_cast<std::size_t>(std::count_if(
        recordings_.begin(), recordings_.end(),
        [](const BufferedRecording& recording) { return recording.is_used_ && !recording.is_stored_; }));
}

bool RecordingBuffer::mark_stored(std::uint64_t recording_id) {
    BufferedRecording* recording = find_mutable(recording_id);
    if (recording == nullptr) return false;
    if (recording == current_) finish();
    recording->is_stored_ = true;
    return true;
}

void RecordingBuffer::erase(std::uint64_t recording_id) {
    if (BufferedRecording* recording = find_mutable(recording_id)) remove(*recording);
}

void RecordingBuffer::erase_before(std::uint64_t recording_id, std::uint32_t sample) {
    BufferedRecording* recording = find_mutable(recording_id);
    if (recording == nullptr) return;
    sample = std::min(sample, recording->length_);
    if (const Gap* gap = recording->gaps_.containing(sample)) sample = gap->start;
    if (sample > recording->available_from_) {
        release_before(*recording, recording->gaps_.position_of(sample));
    }
}

void RecordingBuffer::set_captured(std::uint64_t recording_id, std::int64_t unix_ms) {
    BufferedRecording* recording = find_mutable(recording_id);
    if (recording != nullptr && !recording->info_.captured_unix_ms) {
        recording->info_.captured_unix_ms = unix_ms;
    }
}

std::optional<Segment> RecordingBuffer::read(std::uint64_t recording_id, SampleRange range,
                                             std::span<std::int16_t> out) const {
    const BufferedRecording* recording = find(recording_id);
    if (recording == nullptr || out.empty()) return std::nullopt;
    const GapList& gaps = recording->gaps_;
    const std::uint32_t length = recording->length_;
    Segment segment;
    segment.first_sample = std::max(range.start, recording->available_from_);
    if (const Gap* gap = gaps.containing(segment.first_sample)) segment.first_sample = gap->end();
    const std::uint32_t stop = std::min({range.end, length, gaps.next_start(segment.first_sample, length)});
    if (segment.first_sample >= stop) {
        if (range.end != SampleRange::kToEnd || !recording->is_finished_) return std::nullopt;
        segment.first_sample = length;
    } else {
        const std::size_t count = std::min<std::size_t>(stop - segment.first_sample, out.size());
        segment.count = static_cast<std::uint32_t>(count);
        const std::uint32_t position = gaps.position_of(segment.first_sample);
        pool_.copy(recording->blocks_, position - recording->released_, out.first(count));
    }
    segment.flags = flags_of(*recording, segment, out.first(segment.count));
    return segment;
}

std::uint8_t RecordingBuffer::flags_of(const BufferedRecording& recording, const Segment& segment,
                                       std::span<const std::int16_t> samples) {
    const bool is_last = recording.is_finished_ && segment.end() == recording.length_;
    const bool is_first_here = segment.first_sample != 0 && segment.first_sample == recording.available_from_;
    const bool has_gap = is_first_here || recording.gaps_.ending_at(segment.first_sample) != nullptr;
    const bool has_clipped = std::any_of(samples.begin(), samples.end(), is_clipped);
    return static_cast<std::uint8_t>(
        (is_last ? chunk_flag::kLast : 0) | (has_gap ? chunk_flag::kGapBefore : 0) |
        (has_clipped ? chunk_flag::kClipped : 0) | (recording.info_.is_stream ? chunk_flag::kStream : 0));
}

BufferedRecording* RecordingBuffer::find_mutable(std::uint64_t recording_id) {
    return const_cast<BufferedRecording*>(find(recording_id));
}

BufferedRecording* RecordingBuffer::oldest_stored() {
    BufferedRecording* oldest = nullptr;
    for (BufferedRecording& recording : recordings_) {
        const bool may_go = recording.is_used_ && recording.is_stored_;
        if (may_go && (oldest == nullptr || recording.order_ < oldest->order_)) oldest = &recording;
    }
    return oldest;
}

BufferedRecording* RecordingBuffer::free_slot() {
    for (BufferedRecording& recording : recordings_) {
        if (!recording.is_used_) return &recording;
    }
    BufferedRecording* oldest = oldest_stored();
    if (oldest != nullptr) remove(*oldest);
    return oldest;
}

bool RecordingBuffer::extend(BufferedRecording& recording) {
    while (pool_.free_blocks() == 0) {
        BufferedRecording* oldest = oldest_stored();
        if (oldest == nullptr) return false;
        remove(*oldest);
    }
    return pool_.append(recording.blocks_);
}

void RecordingBuffer::remove(BufferedRecording& recording) {
    pool_.truncate(recording.blocks_, 0);
    recording.is_used_ = false;
    if (current_ == &recording) current_ = nullptr;
}

void RecordingBuffer::release_before(BufferedRecording& recording, std::uint32_t position) {
    while (recording.blocks_.blocks != 0 && position - recording.released_ >= kBlockSamples) {
        pool_.release_first(recording.blocks_);
        recording.released_ += kBlockSamples;
    }
    recording.available_from_ = recording.released_ == 0 ? 0 : recording.gaps_.index_at(recording.released_);
    recording.gaps_.remove_before(recording.available_from_);
}

void RecordingBuffer::truncate(BufferedRecording& recording, std::uint32_t position) {
    recording.written_ = position;
    pool_.truncate(recording.blocks_, BlockPool::blocks_for(position - recording.released_));
}

}  // namespace stetho
