// Reading of the store at the start: which sectors hold what, and which recordings are there.
#include <algorithm>

#include "core/storage/kept_info.h"
#include "core/storage/recording_store.h"

namespace stetho {

void RecordingStore::mount(std::uint32_t random) {
    sectors_ = std::min(log_.sectors(), kMaxSectors);
    newest_ = 0;
    recordings_.fill({});
    if (sectors_ == 0) return;
    cursor_ = random % sectors_;
    std::uint16_t newest_place = 0;
    for (std::uint32_t sector = 0; sector < sectors_; ++sector) {
        mount_sector(sector);
        const auto header = log_.read_header(sector);
        if (!header || header->log < newest_ || (header->log == newest_ && header->place < newest_place)) continue;
        newest_ = header->log;
        newest_place = header->place;
        cursor_ = (sector + 1) % sectors_;
    }
    for (std::uint32_t sector = 0; sector < sectors_; ++sector) adopt_sector(sector);
    for (KeptRecording& kept : recordings_) {
        if (kept.log != 0) measure(kept);
    }
}

// Finds out what a sector is used for, and the recordings that begin in one.
void RecordingStore::mount_sector(std::uint32_t sector) {
    const auto header = log_.read_header(sector);
    uses_[sector] = header || !log_.is_blank(sector) ? kDirty : kBlank;
    if (!header || header->place != 0 || header->log == 0) return;
    const auto free = std::ranges::find(recordings_, 0U, &KeptRecording::log);
    if (free == recordings_.end()) return;
    free->log = header->log;
    free->first_sector = free->last_sector = static_cast<std::uint16_t>(sector);
    free->sectors = 1;
    uses_[sector] = index_of(*free);
}

// Gives a sector that is not the first one to its recording. Where that has none, it stays to be erased.
void RecordingStore::adopt_sector(std::uint32_t sector) {
    const auto header = uses_[sector] == kDirty ? log_.read_header(sector) : std::nullopt;
    if (!header || header->place == 0 || header->log == 0) return;
    const auto owner = std::ranges::find(recordings_, header->log, &KeptRecording::log);
    if (owner == recordings_.end()) return;
    uses_[sector] = index_of(*owner);
    ++owner->sectors;
    if (steps_between(owner->first_sector, sector) > steps_between(owner->first_sector, owner->last_sector))
        owner->last_sector = static_cast<std::uint16_t>(sector);
}

// Reads a recording through once: its id, its length, whether it is whole.
void RecordingStore::measure(KeptRecording& kept) {
    Position at{kept.first_sector, FlashLog::kHeaderBytes};
    const auto first = next(kept, at);
    std::array<std::uint8_t, kInfoBytes> body{};
    const bool has_info = first && first->type == RecordType::kInfo && first->size == body.size() &&
                          log_.read_body(*first, 0, body);
    const RecordingInfo info = has_info ? read_kept_info(body) : RecordingInfo{};
    if (info.recording_id == 0 || find(info.recording_id) != nullptr) return forget(kept);
    kept.recording_id = info.recording_id;
    kept.sample_rate_hz = info.sample_rate_hz;
    while (const auto record = next(kept, at)) take_record(kept, *record);
    if (kept.length == 0) forget(kept);
}

void RecordingStore::take_record(KeptRecording& kept, const Record& record) {
    if (record.type == RecordType::kAudio)
        kept.length = std::max(kept.length, record.value + record.size / std::uint32_t{sizeof(std::int16_t)});
    if (record.type != RecordType::kEnd) return;
    kept.length = std::max(kept.length, record.value);
    kept.is_whole = true;
}

}  // namespace stetho
