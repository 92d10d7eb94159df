#include "core/storage/recording_buffer.h"

#include <algorithm>

#include "core/signal/sample_conversion.h"
#include "core/wire/chunk.h"

namespace stetho {
namespace {

constexpr std::size_t kMostBlocks = 65'534;

std::uint32_t blocks_for(std::uint32_t samples) {
    constexpr std::uint32_t kSize = RecordingBuffer::kBlockSamples;
    return samples / kSize + (samples % kSize != 0 ? 1 : 0);
}

}  // namespace

std::uint32_t RecordingBuffer::BufferedRecording::position_of(std::uint32_t index) const {
    std::uint32_t position = index - lost_before_;
    for (const Gap& gap : std::span(gaps_).first(gap_count_)) {
        if (gap.start < index) position -= gap.count;
    }
    return position;
}

std::uint32_t RecordingBuffer::BufferedRecording::index_at(std::uint32_t position) const {
    std::uint32_t index = position + lost_before_;
    for (const Gap& gap : std::span(gaps_).first(gap_count_)) {
        if (gap.start <= index) index += gap.count;
    }
    return index;
}

const RecordingBuffer::BufferedRecording::Gap* RecordingBuffer::BufferedRecording::gap_ending_at(
    std::uint32_t index) const {
    for (const Gap& gap : std::span(gaps_).first(gap_count_)) {
        if (gap.start + gap.count == index) return &gap;
    }
    return nullptr;
}

const RecordingBuffer::BufferedRecording::Gap* RecordingBuffer::BufferedRecording::gap_around(
    std::uint32_t index) const {
    for (const Gap& gap : std::span(gaps_).first(gap_count_)) {
        if (gap.start <= index && index - gap.start < gap.count) return &gap;
    }
    return nullptr;
}

std::uint32_t RecordingBuffer::BufferedRecording::next_gap(std::uint32_t index) const {
    for (const Gap& gap : std::span(gaps_).first(gap_count_)) {
        if (gap.start >= index) return gap.start;
    }
    return length_;
}

RecordingBuffer::RecordingBuffer(std::span<std::int16_t> samples, std::span<std::uint16_t> links) {
    const std::size_t blocks =
        std::min<std::size_t>({samples.size() / kBlockSamples, links.size(), kMostBlocks});
    samples_ = samples.first(blocks * kBlockSamples);
    links_ = links.first(blocks);
    free_blocks_ = static_cast<std::uint32_t>(blocks);
    for (std::size_t block = 0; block < blocks; ++block)
        links_[block] = static_cast<std::uint16_t>(block + 1);
}

bool RecordingBuffer::begin(const RecordingInfo& info) {
    if (current_ != nullptr || find(info.recording_id) != nullptr || !has_room(1)) return false;
    BufferedRecording* kept = free_slot();
    *kept = BufferedRecording();
    kept->info_ = info;
    kept->is_used_ = true;
    kept->order_ = next_order_++;
    current_ = kept;
    extend(*kept);
    return true;
}

bool RecordingBuffer::has_room(std::uint32_t samples) const {
    std::uint32_t blocks = free_blocks_;
    bool has_slot = false;
    for (const BufferedRecording& kept : recordings_) {
        has_slot = has_slot || !kept.is_used_ || kept.is_stored_;
        if (kept.is_used_ && kept.is_stored_) blocks += kept.blocks_;
    }
    return has_slot && blocks >= blocks_for(samples);
}

std::uint32_t RecordingBuffer::append(std::span<const std::int16_t> samples) {
    if (current_ == nullptr) return 0;
    const std::uint32_t limit = kMaxSamples - current_->length_;
    samples = samples.first(std::min<std::size_t>(samples.size(), limit));
    std::uint32_t done = 0;
    while (done < samples.size()) {
        const std::uint32_t used = current_->kept_ - current_->given_back_;
        if (used == current_->blocks_ * kBlockSamples && !extend(*current_)) break;
        const auto room = samples_of(current_->last_block_).subspan(used % kBlockSamples);
        const std::size_t count = std::min<std::size_t>(room.size(), samples.size() - done);
        std::copy_n(samples.subspan(done).begin(), count, room.begin());
        done += static_cast<std::uint32_t>(count);
        current_->kept_ += static_cast<std::uint32_t>(count);
    }
    current_->length_ += done;
    return done;
}

void RecordingBuffer::append_lost(std::uint32_t count) {
    if (current_ == nullptr) return;
    BufferedRecording& kept = *current_;
    count = std::min(count, kMaxSamples - kept.length_);
    if (count == 0) return;
    const bool touches = kept.gap_count_ != 0 && kept.gap_ending_at(kept.length_) != nullptr;
    if (touches || kept.gap_count_ == kMaxGaps) {
        BufferedRecording::Gap& gap = kept.gaps_[kept.gap_count_ - 1];
        if (!touches) drop_back(kept, kept.position_of(gap.start));
        gap.count = kept.length_ + count - gap.start;
    } else {
        kept.gaps_[kept.gap_count_++] = {kept.length_, count};
    }
    kept.length_ += count;
}

void RecordingBuffer::finish() {
    if (current_ != nullptr) current_->is_finished_ = true;
    current_ = nullptr;
}

void RecordingBuffer::cancel() {
    if (current_ != nullptr) drop(*current_);
}

const RecordingBuffer::BufferedRecording* RecordingBuffer::find(std::uint64_t recording_id) const {
    for (const BufferedRecording& kept : recordings_) {
        if (kept.is_used_ && kept.info_.recording_id == recording_id) return &kept;
    }
    return nullptr;
}

const RecordingBuffer::BufferedRecording* RecordingBuffer::oldest_unstored() const {
    const BufferedRecording* oldest = nullptr;
    for (const BufferedRecording& kept : recordings_) {
        const bool waits = kept.is_used_ && kept.is_finished_ && !kept.is_stored_;
        if (waits && (oldest == nullptr || kept.order_ < oldest->order_)) oldest = &kept;
    }
    return oldest;
}

std::size_t RecordingBuffer::unstored() const {
    return static_cast<std::size_t>(
        std::count_if(recordings_.begin(), recordings_.end(),
                      [](const BufferedRecording& kept) { return kept.is_used_ && !kept.is_stored_; }));
}

bool RecordingBuffer::mark_stored(std::uint64_t recording_id) {
    BufferedRecording* kept = slot_of(recording_id);
    if (kept == nullptr) return false;
    if (kept == current_) finish();
    kept->is_stored_ = true;
    return true;
}

void RecordingBuffer::erase(std::uint64_t recording_id) {
    if (BufferedRecording* kept = slot_of(recording_id)) drop(*kept);
}

void RecordingBuffer::erase_before(std::uint64_t recording_id, std::uint32_t sample) {
    BufferedRecording* kept = slot_of(recording_id);
    if (kept == nullptr) return;
    sample = std::min(sample, kept->length_);
    if (const BufferedRecording::Gap* gap = kept->gap_around(sample)) sample = gap->start;
    if (sample > kept->available_from_) drop_front(*kept, kept->position_of(sample));
}

void RecordingBuffer::set_captured(std::uint64_t recording_id, std::int64_t unix_ms) {
    BufferedRecording* kept = slot_of(recording_id);
    if (kept != nullptr && !kept->info_.captured_unix_ms) kept->info_.captured_unix_ms = unix_ms;
}

std::optional<Segment> RecordingBuffer::read(std::uint64_t recording_id, SampleRange range,
                                             std::span<std::int16_t> out) const {
    const BufferedRecording* kept = find(recording_id);
    if (kept == nullptr || out.empty()) return std::nullopt;
    Segment segment;
    segment.first_sample = std::max(range.start, kept->available_from_);
    if (const BufferedRecording::Gap* gap = kept->gap_around(segment.first_sample)) {
        segment.first_sample = gap->start + gap->count;
    }
    const std::uint32_t stop = std::min({range.end, kept->length_, kept->next_gap(segment.first_sample)});
    if (segment.first_sample >= stop) {
        if (range.end != SampleRange::kToEnd || !kept->is_finished_) return std::nullopt;
        segment.first_sample = kept->length_;
    } else {
        const std::size_t count = std::min<std::size_t>(stop - segment.first_sample, out.size());
        segment.count = static_cast<std::uint32_t>(count);
        copy(*kept, kept->position_of(segment.first_sample), out.first(count));
    }
    segment.flags = flags_of(*kept, segment, out.first(segment.count));
    return segment;
}

std::uint8_t RecordingBuffer::flags_of(const BufferedRecording& kept, const Segment& segment,
                                       std::span<const std::int16_t> samples) {
    const bool is_last = kept.is_finished_ && segment.end() == kept.length_;
    const bool is_first_here = segment.first_sample != 0 && segment.first_sample == kept.available_from_;
    const bool has_gap = is_first_here || kept.gap_ending_at(segment.first_sample) != nullptr;
    const bool has_clipped = std::any_of(samples.begin(), samples.end(), is_clipped);
    return static_cast<std::uint8_t>(
        (is_last ? chunk_flag::kLast : 0) | (has_gap ? chunk_flag::kGapBefore : 0) |
        (has_clipped ? chunk_flag::kClipped : 0) | (kept.info_.is_stream ? chunk_flag::kStream : 0));
}

std::uint32_t RecordingBuffer::free_samples() const { return free_blocks_ * kBlockSamples; }

std::uint32_t RecordingBuffer::capacity_samples() const {
    return static_cast<std::uint32_t>(samples_.size());
}

RecordingBuffer::BufferedRecording* RecordingBuffer::slot_of(std::uint64_t recording_id) {
    return const_cast<BufferedRecording*>(find(recording_id));
}

RecordingBuffer::BufferedRecording* RecordingBuffer::oldest_stored() {
    BufferedRecording* oldest = nullptr;
    for (BufferedRecording& kept : recordings_) {
        const bool may_go = kept.is_used_ && kept.is_stored_;
        if (may_go && (oldest == nullptr || kept.order_ < oldest->order_)) oldest = &kept;
    }
    return oldest;
}

RecordingBuffer::BufferedRecording* RecordingBuffer::free_slot() {
    for (BufferedRecording& kept : recordings_) {
        if (!kept.is_used_) return &kept;
    }
    BufferedRecording* oldest = oldest_stored();
    if (oldest != nullptr) drop(*oldest);
    return oldest;
}

bool RecordingBuffer::extend(BufferedRecording& kept) {
    while (free_blocks_ == 0) {
        BufferedRecording* oldest = oldest_stored();
        if (oldest == nullptr) return false;
        drop(*oldest);
    }
    const std::uint16_t block = free_block_;
    free_block_ = links_[block];
    --free_blocks_;
    if (kept.blocks_ == 0) {
        kept.first_block_ = block;
    } else {
        links_[kept.last_block_] = block;
    }
    kept.last_block_ = block;
    ++kept.blocks_;
    return true;
}

void RecordingBuffer::drop(BufferedRecording& kept) {
    if (kept.blocks_ != 0) give_back(kept.first_block_, kept.last_block_, kept.blocks_);
    kept.is_used_ = false;
    kept.blocks_ = 0;
    if (current_ == &kept) current_ = nullptr;
}

void RecordingBuffer::drop_front(BufferedRecording& kept, std::uint32_t position) {
    while (kept.blocks_ != 0 && position - kept.given_back_ >= kBlockSamples) {
        const std::uint16_t block = kept.first_block_;
        kept.first_block_ = links_[block];
        --kept.blocks_;
        give_back(block, block, 1);
        kept.given_back_ += kBlockSamples;
    }
    kept.available_from_ = kept.given_back_ == 0 ? 0 : kept.index_at(kept.given_back_);
    while (kept.gap_count_ != 0 && kept.gaps_[0].start < kept.available_from_) drop_oldest_gap(kept);
}

void RecordingBuffer::drop_oldest_gap(BufferedRecording& kept) {
    kept.lost_before_ += kept.gaps_[0].count;
    std::copy(kept.gaps_.begin() + 1, kept.gaps_.end(), kept.gaps_.begin());
    --kept.gap_count_;
}

void RecordingBuffer::drop_back(BufferedRecording& kept, std::uint32_t position) {
    kept.kept_ = position;
    const std::uint32_t blocks = blocks_for(position - kept.given_back_);
    if (blocks == kept.blocks_) return;
    std::uint16_t first = kept.first_block_;
    if (blocks != 0) {
        const std::uint16_t last = block_of(kept, position - 1);
        first = links_[last];
        give_back(first, kept.last_block_, kept.blocks_ - blocks);
        kept.last_block_ = last;
    } else {
        give_back(first, kept.last_block_, kept.blocks_);
    }
    kept.blocks_ = blocks;
}

void RecordingBuffer::give_back(std::uint16_t first, std::uint16_t last, std::uint32_t count) {
    links_[last] = free_block_;
    free_block_ = first;
    free_blocks_ += count;
}

std::uint16_t RecordingBuffer::block_of(const BufferedRecording& kept, std::uint32_t position) const {
    std::uint16_t block = kept.first_block_;
    for (std::uint32_t left = (position - kept.given_back_) / kBlockSamples; left > 0; --left) {
        block = links_[block];
    }
    return block;
}

std::span<std::int16_t> RecordingBuffer::samples_of(std::uint16_t block) const {
    return samples_.subspan(std::size_t{block} * kBlockSamples, kBlockSamples);
}

void RecordingBuffer::copy(const BufferedRecording& kept, std::uint32_t position,
                           std::span<std::int16_t> out) const {
    std::uint16_t block = block_of(kept, position);
    std::size_t at = (position - kept.given_back_) % kBlockSamples;
    while (!out.empty()) {
        const auto part = samples_of(block).subspan(at);
        const std::size_t count = std::min(part.size(), out.size());
        std::copy_n(part.begin(), count, out.begin());
        out = out.subspan(count);
        at = 0;
        block = links_[block];
    }
}

}  // namespace stetho
