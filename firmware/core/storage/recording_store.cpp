#include "core/storage/recording_store.h"

#include <algorithm>

#include "core/storage/kept_info.h"

namespace stetho {
namespace {

constexpr int kAttempts = 3;  // sectors that a record is written into until one holds it
constexpr std::size_t kPartSamples = 64;

}  // namespace

// Leaves the sectors of a recording to be erased.
void RecordingStore::forget(KeptRecording& kept) {
    const std::uint8_t index = index_of(kept);
    std::replace(uses_.begin(), uses_.begin() + sectors_, index, kDirty);
    kept = {};
}

StoreResult RecordingStore::begin(const RecordingInfo& info) {
    const auto free = std::ranges::find(recordings_, 0U, &KeptRecording::log);
    bool must_erase = false;
    const auto sector = free == recordings_.end() ? std::nullopt : free_sector(nullptr, must_erase);
    if (!sector) return must_erase ? StoreResult::kMustErase : StoreResult::kFull;
    KeptRecording& kept = *free;
    kept.log = ++newest_;
    kept.recording_id = info.recording_id;
    kept.sample_rate_hz = info.sample_rate_hz;
    kept.first_sector = kept.last_sector = static_cast<std::uint16_t>(*sector);
    kept.sectors = 1;
    uses_[*sector] = index_of(kept);
    cursor_ = (*sector + 1) % sectors_;
    std::array<std::uint8_t, kInfoBytes> body{};
    write_kept_info(info, body);
    // The information is in the first sector or nowhere: a log without it is no recording.
    kept.end_offset = FlashLog::kHeaderBytes + FlashLog::kHeaderBytes + kInfoBytes;
    const bool is_written = log_.write_header(*sector, {kept.log, 0}) &&
                            log_.write(*sector, kept.log, FlashLog::kHeaderBytes, RecordType::kInfo, 0, body);
    if (is_written) return StoreResult::kDone;
    forget(kept);
    uses_[*sector] = kWornOut;
    return StoreResult::kMustErase;
}

StoreResult RecordingStore::append(std::uint64_t recording_id, std::uint32_t first_sample,
                                   std::span<const std::int16_t> samples) {
    KeptRecording* kept = find_mutable(recording_id);
    if (kept == nullptr || samples.size() > kRecordSamples) return StoreResult::kFull;
    const Bytes body(reinterpret_cast<const std::uint8_t*>(samples.data()), samples.size_bytes());
    const StoreResult result = write(*kept, RecordType::kAudio, first_sample, body);
    if (result == StoreResult::kDone)
        kept->length = std::max(kept->length, first_sample + static_cast<std::uint32_t>(samples.size()));
    return result;
}

StoreResult RecordingStore::set_captured(std::uint64_t recording_id, std::int64_t unix_ms) {
    KeptRecording* kept = find_mutable(recording_id);
    if (kept == nullptr) return StoreResult::kFull;
    return write(*kept, RecordType::kCaptured, 0,
                 {reinterpret_cast<const std::uint8_t*>(&unix_ms), sizeof unix_ms});
}

StoreResult RecordingStore::end(std::uint64_t recording_id, std::uint32_t length) {
    KeptRecording* kept = find_mutable(recording_id);
    if (kept == nullptr) return StoreResult::kFull;
    const StoreResult result = write(*kept, RecordType::kEnd, length, {});
    if (result != StoreResult::kDone) return result;
    kept->length = std::max(kept->length, length);
    kept->is_whole = true;
    return result;
}

void RecordingStore::drop(std::uint64_t recording_id) {
    KeptRecording* kept = find_mutable(recording_id);
    if (kept == nullptr) return;
    log_.clear_header(kept->first_sector);  // after a cut here it is sent once more, and the worker knows it
    forget(*kept);
}

bool RecordingStore::erase_one() {
    for (std::uint32_t step = 0; step < sectors_; ++step) {
        const std::uint32_t sector = (cursor_ + step) % sectors_;
        if (uses_[sector] != kDirty) continue;
        uses_[sector] = log_.erase(sector) ? kBlank : kWornOut;
        return true;
    }
    return false;
}

std::optional<bool> RecordingStore::check_free() {
    for (std::uint32_t step = 0; step < sectors_; ++step) {
        const std::uint32_t sector = (cursor_ + step) % sectors_;
        if (uses_[sector] != kBlank && uses_[sector] != kDirty) continue;
        const bool holds = log_.check(sector);
        uses_[sector] = holds ? kBlank : kWornOut;
        cursor_ = (sector + 1) % sectors_;  // so that all of them wear alike here, too
        return holds;
    }
    return std::nullopt;
}

const KeptRecording* RecordingStore::find(std::uint64_t recording_id) const {
    const auto found = std::ranges::find_if(recordings_, [recording_id](const KeptRecording& kept) {
        return kept.log != 0 && kept.recording_id == recording_id;
    });
    return found == recordings_.end() || recording_id == 0 ? nullptr : &*found;
}

KeptRecording* RecordingStore::find_mutable(std::uint64_t recording_id) {
    return const_cast<KeptRecording*>(find(recording_id));
}

const KeptRecording* RecordingStore::next_after(std::uint32_t log) const {
    const KeptRecording* oldest = nullptr;
    for (const KeptRecording& kept : recordings_) {
        if (kept.log > log && (oldest == nullptr || kept.log < oldest->log)) oldest = &kept;
    }
    return oldest;
}

std::size_t RecordingStore::count() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(recordings_, [](const KeptRecording& kept) { return kept.log != 0; }));
}

bool RecordingStore::has_room(std::uint32_t samples) const {
    const auto is_free = [](std::uint8_t use) { return use == kBlank || use == kDirty; };
    const auto free = std::count_if(uses_.begin(), uses_.begin() + sectors_, is_free);
    return samples / kSectorSamples + 2 <= static_cast<std::uint32_t>(free);  // a part of one, and the information
}

bool RecordingStore::load(std::uint64_t recording_id, RecordingBuffer& buffer) const {
    const KeptRecording* kept = find(recording_id);
    auto known = kept == nullptr ? std::nullopt : info(*kept);
    if (!known) return false;
    known->is_cut_off = !kept->is_whole;
    if (!buffer.has_room(kept->length) || !buffer.begin(*known)) return false;
    Position at{kept->first_sector, FlashLog::kHeaderBytes};
    bool is_loaded = true;
    while (const auto record = next(*kept, at)) {
        is_loaded = is_loaded && (record->type != RecordType::kAudio || load_audio(*record, buffer));
    }
    const std::uint32_t length = buffer.current()->length();
    if (length < kept->length) buffer.append_lost(kept->length - length);
    is_loaded ? buffer.finish() : buffer.cancel();
    return is_loaded;
}

bool RecordingStore::load_audio(const Record& record, RecordingBuffer& buffer) const {
    const std::uint32_t length = buffer.current()->length();
    if (record.value < length) return true;  // there already
    if (record.value > length) buffer.append_lost(record.value - length);
    std::array<std::int16_t, kPartSamples> part{};
    for (std::uint32_t done = 0; done < record.size; done += sizeof part) {
        const auto count = std::min<std::size_t>(kPartSamples, (record.size - done) / sizeof(std::int16_t));
        const WritableBytes bytes(reinterpret_cast<std::uint8_t*>(part.data()), count * sizeof(std::int16_t));
        if (!log_.read_body(record, done, bytes)) return false;
        if (buffer.append(std::span(part).first(count)) < count) return false;
    }
    return true;
}

std::optional<Record> RecordingStore::next(const KeptRecording& kept, Position& at) const {
    for (;;) {
        if (const auto record = log_.next(at.sector, kept.log, at.offset)) return record;
        if (at.sector == kept.last_sector) return std::nullopt;
        at = {sector_after(kept, at.sector), FlashLog::kHeaderBytes};
    }
}

std::uint32_t RecordingStore::sector_after(const KeptRecording& kept, std::uint32_t sector) const {
    do {
        sector = (sector + 1) % sectors_;
    } while (uses_[sector] != index_of(kept));
    return sector;
}

std::optional<RecordingInfo> RecordingStore::info(const KeptRecording& kept) const {
    std::optional<RecordingInfo> known;
    Position at{kept.first_sector, FlashLog::kHeaderBytes};
    while (const auto record = next(kept, at)) {
        std::array<std::uint8_t, kInfoBytes> body{};
        const bool is_info = record->type == RecordType::kInfo && record->size == body.size();
        if (!known && !is_info) return std::nullopt;
        if (is_info && log_.read_body(*record, 0, body)) known = read_kept_info(body);
        std::int64_t unix_ms = 0;
        const bool is_time = record->type == RecordType::kCaptured && record->size == sizeof unix_ms;
        const WritableBytes time(reinterpret_cast<std::uint8_t*>(&unix_ms), sizeof unix_ms);
        if (known && is_time && log_.read_body(*record, 0, time)) known->captured_unix_ms = unix_ms;
    }
    return known;
}

// Writes a record at the end of a recording. A sector that does not hold it is left, and the next one taken.
StoreResult RecordingStore::write(KeptRecording& kept, RecordType type, std::uint32_t value, Bytes body) {
    const auto size = static_cast<std::uint32_t>(FlashLog::kHeaderBytes + body.size());
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        const std::uint32_t offset = end_offset(kept);
        const bool fits = offset + size <= FlashLog::kSectorBytes;
        kept.end_offset = static_cast<std::uint16_t>(fits ? offset + size : offset);
        if (fits && log_.write(kept.last_sector, kept.log, offset, type, value, body)) return StoreResult::kDone;
        kept.end_offset = FlashLog::kSectorBytes;
        const StoreResult result = extend(kept);
        if (result != StoreResult::kDone) return result;
    }
    return StoreResult::kFull;
}

std::uint32_t RecordingStore::end_offset(const KeptRecording& kept) const {
    if (kept.end_offset != 0) return kept.end_offset;
    std::uint32_t offset = FlashLog::kHeaderBytes;
    while (log_.next(kept.last_sector, kept.log, offset)) {
    }
    return offset;
}

// Adds a sector to a recording.
StoreResult RecordingStore::extend(KeptRecording& kept) {
    bool must_erase = false;
    const auto sector = free_sector(&kept, must_erase);
    if (!sector) return must_erase ? StoreResult::kMustErase : StoreResult::kFull;
    cursor_ = (*sector + 1) % sectors_;
    if (!log_.write_header(*sector, {kept.log, kept.sectors})) {
        uses_[*sector] = kWornOut;
        return StoreResult::kMustErase;
    }
    uses_[*sector] = index_of(kept);
    kept.last_sector = static_cast<std::uint16_t>(*sector);
    kept.end_offset = FlashLog::kHeaderBytes;
    ++kept.sectors;
    return StoreResult::kDone;
}

// Returns the next erased sector. The sectors of a recording follow each other, so for `kept` only those between its
// last one and, all the way round, its first one count.
std::optional<std::uint32_t> RecordingStore::free_sector(const KeptRecording* kept, bool& must_erase) const {
    for (std::uint32_t step = 0; step < sectors_; ++step) {
        const std::uint32_t sector = (cursor_ + step) % sectors_;
        const bool is_behind = kept != nullptr && steps_between(kept->first_sector, sector) <
                                                      steps_between(kept->first_sector, kept->last_sector);
        if (is_behind) continue;
        if (uses_[sector] == kBlank) return sector;
        must_erase = must_erase || uses_[sector] == kDirty;
    }
    return std::nullopt;
}

}  // namespace stetho
