#include "core/device/sender.h"

#include <algorithm>

#include "core/wire/chunk.h"
#include "core/wire/topic.h"

namespace stetho {

void Sender::begin(const Settings& settings, std::uint32_t boot) {
    settings_ = &settings;
    boot_ = boot;
}

int Sender::turn(std::uint64_t now_ms, bool has_time) {
    const TopicName topic = topic_name(Topic::kPcm, settings_->device_id);
    int left = 0;
    for (int round = 0; round < kAtOnce; ++round) {
        auto parcel = window_.next(now_ms);
        if (!parcel) break;
        const RecordingBuffer::Kept* kept = buffer_.find(parcel->recording_id);
        if (kept != nullptr && parcel->is_meta && !kept->facts().captured_unix_ms && !has_time) break;
        const std::size_t size = build(*parcel);
        if (size == 0) {
            window_.skip(*parcel, now_ms);
            continue;
        }
        const int token = mqtt_.publish(topic, message_.first(size), 1, false);
        if (token <= 0) break;
        window_.sent(*parcel, token, now_ms);
        ++left;
    }
    return left;
}

std::size_t Sender::build(Parcel& parcel) const {
    const RecordingBuffer::Kept* kept = buffer_.find(parcel.recording_id);
    if (kept == nullptr) return 0;
    return parcel.is_meta ? build_meta(*kept) : build_audio(*kept, parcel);
}

std::size_t Sender::build_meta(const RecordingBuffer::Kept& kept) const {
    const RecordingFacts& facts = kept.facts();
    Meta meta;
    meta.captured_unix_ms = facts.captured_unix_ms;
    meta.models = settings_->models;
    meta.site = facts.site;
    meta.amplification = settings_->amplification;
    meta.boot = boot_;
    meta.uptime_ms = facts.started_ms;
    const std::size_t size = write_meta(meta, message_.subspan(kHeaderBytes));
    if (size == 0) return 0;
    ChunkHeader header;
    header.type = ChunkType::kMeta;
    header.flags = facts.is_stream ? chunk_flag::kStream : 0;
    header.sample_rate_hz = facts.sample_rate_hz;
    header.recording_id = facts.recording_id;
    header.sample_count = static_cast<std::uint32_t>(size);
    encode_header(header, message_.subspan(kHeaderBytes, size), message_.first<kHeaderBytes>());
    return kHeaderBytes + size;
}

std::size_t Sender::build_audio(const RecordingBuffer::Kept& kept, Parcel& parcel) const {
    const RecordingFacts& facts = kept.facts();
    const WritableBytes body = message_.subspan(kHeaderBytes);
    // Room for a sample even where LAST comes alone: what has no room is not read at all.
    const std::size_t wanted = std::max<std::size_t>(parcel.end - parcel.start, 1);
    const std::span<std::int16_t> samples(reinterpret_cast<std::int16_t*>(body.data()),
                                          std::min(body.size() / sizeof(std::int16_t), wanted));
    const SampleRange range{parcel.start, parcel.is_last ? SampleRange::kToEnd : parcel.end};
    auto piece = buffer_.read(facts.recording_id, range, samples);
    // A reminder is nothing without LAST: where a gap lies before the end, LAST goes alone.
    if (piece && parcel.cause == Cause::kReminder && !piece->is_last()) {
        piece = buffer_.read(facts.recording_id, {kept.length(), SampleRange::kToEnd}, samples);
    }
    if (!piece) return 0;
    parcel.end = piece->end();
    parcel.is_last = piece->is_last();
    ChunkHeader header;
    header.flags = static_cast<std::uint8_t>(piece->flags | chunk_flag::kHasMeta |
                                             (parcel.is_resend() ? chunk_flag::kResend : 0));
    header.sample_rate_hz = facts.sample_rate_hz;
    header.recording_id = facts.recording_id;
    header.first_sample = piece->first_sample;
    header.sample_count = piece->count;
    const Bytes audio = body_of(samples.first(piece->count));
    encode_header(header, audio, message_.first<kHeaderBytes>());
    return kHeaderBytes + audio.size();
}

}  // namespace stetho
