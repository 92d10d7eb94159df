#include "core/device/recording_keeper.h"

#include <array>

namespace stetho {
namespace {

constexpr int kRecordsPerTick = 8;  // one sector: 11 ms, as long as a page takes 0.7
constexpr int kTimeAttempts = 3;

std::uint64_t end_ms(const BufferedRecording& recording) {
    const RecordingInfo& info = recording.info();
    return info.started_ms + std::uint64_t{recording.length()} * 1'000 / info.sample_rate_hz;
}

}  // namespace

void RecordingKeeper::begin(std::uint32_t boot) {
    boot_ = boot;
    is_full_ = false;
    store_.mount(boot);
}

void RecordingKeeper::tick(std::uint64_t now_ms, bool is_online) {
    if (store_.size_bytes() == 0) return;
    const BufferedRecording* due = next_due(now_ms, is_online);
    if (due != nullptr && write(*due)) return;
    if (buffer_.is_recording() || take_out(is_online)) return;
    if (is_online && load_next()) return;
    store_.erase_one();
}

// Returns the oldest recording of this start that is due to be written.
const BufferedRecording* RecordingKeeper::next_due(std::uint64_t now_ms, bool is_online) const {
    for (std::size_t index = 0; index < window_.held() && !is_full_; ++index) {
        const BufferedRecording* recording = buffer_.find(window_.id_at(index));
        if (recording != nullptr && is_due(*recording, now_ms, is_online)) return recording;
    }
    return nullptr;
}

bool RecordingKeeper::is_due(const BufferedRecording& recording, std::uint64_t now_ms, bool is_online) const {
    const RecordingInfo& info = recording.info();
    // What an earlier start has kept is as it is, also where a power cut ended it.
    if (info.boot != boot_ || recording.length() == 0) return false;
    const KeptRecording* kept = store_.find(info.recording_id);
    if (kept != nullptr) return !kept->is_whole;
    return !is_online || (recording.is_finished() && now_ms > end_ms(recording) + kKeepAfterMs);
}

// Writes a part of a recording. False: nothing can be done now.
bool RecordingKeeper::write(const BufferedRecording& recording) {
    if (store_.find(recording.info().recording_id) == nullptr) {
        const bool fits = !recording.is_finished() || store_.has_room(recording.length());
        const StoreResult begun = fits ? store_.begin(recording.info()) : StoreResult::kFull;
        if (begun == StoreResult::kFull) return give_up(recording);
        if (begun == StoreResult::kMustErase) return !buffer_.is_recording() && store_.erase_one();
    }
    const StoreResult result = write_part(recording);
    if (result == StoreResult::kFull) return give_up(recording);
    if (result == StoreResult::kMustErase) return !buffer_.is_recording() && store_.erase_one();
    return true;
}

StoreResult RecordingKeeper::write_part(const BufferedRecording& recording) {
    const std::uint64_t id = recording.info().recording_id;
    std::array<std::int16_t, RecordingStore::kRecordSamples> samples{};
    StoreResult result = StoreResult::kDone;
    for (int round = 0; round < kRecordsPerTick && result == StoreResult::kDone; ++round) {
        const auto segment = buffer_.read(id, {store_.find(id)->length, recording.length()}, samples);
        if (!segment) return recording.is_finished() ? store_.end(id, recording.length()) : StoreResult::kDone;
        const bool may_grow = !recording.is_finished() && segment->end() == recording.length();
        if (may_grow && segment->count < samples.size()) return StoreResult::kDone;
        result = store_.append(id, segment->first_sample, std::span(samples).first(segment->count));
    }
    return result;
}

// The flash is full: the recording stays in memory, and is tried again when something was dropped.
bool RecordingKeeper::give_up(const BufferedRecording& recording) {
    store_.drop(recording.info().recording_id);
    is_full_ = true;
    return false;
}

// Takes a recording out of memory that waits for a broker in flash, so that the oldest is sent first when there is
// one. What the broker has a part of stays.
bool RecordingKeeper::take_out(bool is_online) {
    for (std::size_t index = 0; index < window_.held() && !is_online; ++index) {
        const std::uint64_t id = window_.id_at(index);
        if (!is_whole_in_flash(id) || window_.progress(id).done > 0) continue;
        evict(id);
        return true;
    }
    return false;
}

bool RecordingKeeper::load_next() {
    std::size_t loaded = 0;
    for (std::size_t index = 0; index < window_.held(); ++index) loaded += holds(window_.id_at(index)) ? 1 : 0;
    if (loaded >= kMostLoaded) return false;
    const KeptRecording* kept = store_.next_after(0);
    while (kept != nullptr && window_.holds(kept->recording_id)) kept = store_.next_after(kept->log);
    if (kept == nullptr || !window_.begin(kept->recording_id)) return false;
    if (!store_.load(kept->recording_id, buffer_)) {
        window_.erase(kept->recording_id);
        return false;
    }
    window_.end(kept->recording_id, buffer_.find(kept->recording_id)->length());
    pending_results_.add(kept->recording_id);
    return true;
}

bool RecordingKeeper::make_room() {
    for (std::size_t index = window_.held(); index-- > 0;) {
        const std::uint64_t id = window_.id_at(index);
        if (!is_whole_in_flash(id)) continue;
        evict(id);
        return true;
    }
    return false;
}

void RecordingKeeper::evict(std::uint64_t recording_id) {
    window_.erase(recording_id);
    buffer_.erase(recording_id);
}

void RecordingKeeper::drop(std::uint64_t recording_id) {
    if (!holds(recording_id)) return;
    store_.drop(recording_id);
    is_full_ = false;
}

void RecordingKeeper::set_capture_times(std::int64_t utc_ms, std::uint64_t now_ms) {
    const KeptRecording* kept = store_.next_after(0);
    for (; kept != nullptr; kept = store_.next_after(kept->log)) {
        const auto info = store_.info(*kept);
        if (!info || info->boot != boot_ || info->captured_unix_ms) continue;
        const auto ago_ms = static_cast<std::int64_t>(now_ms - info->started_ms);
        for (int attempt = 0; attempt < kTimeAttempts; ++attempt) {
            if (store_.set_captured(kept->recording_id, utc_ms - ago_ms) != StoreResult::kMustErase) break;
            if (buffer_.is_recording() || !store_.erase_one()) break;
        }
    }
}

std::size_t RecordingKeeper::unstored() const {
    std::size_t count = window_.held();
    const KeptRecording* kept = store_.next_after(0);
    for (; kept != nullptr; kept = store_.next_after(kept->log)) count += window_.holds(kept->recording_id) ? 0 : 1;
    return count;
}

bool RecordingKeeper::is_whole_in_flash(std::uint64_t recording_id) const {
    const KeptRecording* kept = store_.find(recording_id);
    const BufferedRecording* recording = buffer_.find(recording_id);
    // What an earlier start has kept is all that there is.
    return kept != nullptr && recording != nullptr && (kept->is_whole || recording->info().boot != boot_);
}

bool RecordingKeeper::is_all_in_flash() const {
    for (std::size_t index = 0; index < window_.held(); ++index) {
        if (!is_whole_in_flash(window_.id_at(index))) return false;
    }
    return !buffer_.is_recording();
}

}  // namespace stetho
