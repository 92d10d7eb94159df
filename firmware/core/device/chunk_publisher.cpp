#include "core/device/chunk_publisher.h"

#include <algorithm>

#include "core/wire/chunk.h"
#include "core/wire/topic.h"

namespace stetho {

void ChunkPublisher::begin(const Settings& settings, std::uint32_t boot) {
    settings_ = &settings;
    boot_ = boot;
}

int ChunkPublisher::publish_due(std::uint64_t now_ms, bool has_time) {
    const TopicName topic = topic_name(Topic::kPcm, settings_->device_id);
    int left = 0;
    for (int round = 0; round < kMaxPerCall; ++round) {
        auto transmission = window_.next(now_ms);
        if (!transmission) break;
        const BufferedRecording* recording = buffer_.find(transmission->recording_id);
        // The time of a recording of an earlier start will not be known any more.
        const bool may_get_time = recording != nullptr && !recording->info().captured_unix_ms && recording->info().boot == boot_;
        if (may_get_time && transmission->is_meta && !has_time) break;
        const std::size_t size = build(*transmission);
        if (size == 0) {
            window_.skip(*transmission, now_ms);
            continue;
        }
        const int token = mqtt_.publish(topic, message_.first(size), 1, false);
        if (token <= 0) break;
        window_.sent(*transmission, token, now_ms);
        ++left;
    }
    return left;
}

std::size_t ChunkPublisher::build(Transmission& transmission) const {
    const BufferedRecording* recording = buffer_.find(transmission.recording_id);
    if (recording == nullptr) return 0;
    return transmission.is_meta ? build_meta(*recording) : build_audio(*recording, transmission);
}

std::size_t ChunkPublisher::build_meta(const BufferedRecording& recording) const {
    const RecordingInfo& info = recording.info();
    Meta meta;
    meta.captured_unix_ms = info.captured_unix_ms;
    meta.models = info.models;
    meta.site = info.site;
    meta.amplification = info.amplification;
    meta.boot = info.boot;
    meta.uptime_ms = info.started_ms;
    meta.battery_percent = info.battery_percent;
    meta.is_cut_off = info.is_cut_off;
    const std::size_t size = write_meta(meta, message_.subspan(kHeaderBytes));
    if (size == 0) return 0;
    ChunkHeader header;
    header.type = ChunkType::kMeta;
    header.flags = info.is_stream ? chunk_flag::kStream : 0;
    header.sample_rate_hz = info.sample_rate_hz;
    header.recording_id = info.recording_id;
    header.sample_count = static_cast<std::uint32_t>(size);
    encode_header(header, message_.subspan(kHeaderBytes, size), message_.first<kHeaderBytes>());
    return kHeaderBytes + size;
}

std::size_t ChunkPublisher::build_audio(const BufferedRecording& recording,
                                        Transmission& transmission) const {
    const RecordingInfo& info = recording.info();
    const WritableBytes body = message_.subspan(kHeaderBytes);
    // Room for one sample even if LAST is sent alone: `read` returns nothing without room.
    const std::size_t wanted = std::max<std::size_t>(transmission.end - transmission.start, 1);
    const std::span<std::int16_t> samples(reinterpret_cast<std::int16_t*>(body.data()),
                                          std::min(body.size() / sizeof(std::int16_t), wanted));
    const SampleRange range{transmission.start,
                            transmission.is_last ? SampleRange::kToEnd : transmission.end};
    auto piece = buffer_.read(info.recording_id, range, samples);
    // A reminder is useless without LAST: if a gap lies before the end, LAST is sent alone.
    if (piece && transmission.reason == SendReason::kReminder && !piece->is_last()) {
        piece = buffer_.read(info.recording_id, {recording.length(), SampleRange::kToEnd}, samples);
    }
    if (!piece) return 0;
    transmission.end = piece->end();
    transmission.is_last = piece->is_last();
    ChunkHeader header;
    header.flags = static_cast<std::uint8_t>(piece->flags | chunk_flag::kHasMeta |
                                             (transmission.is_resend() ? chunk_flag::kResend : 0));
    header.sample_rate_hz = info.sample_rate_hz;
    header.recording_id = info.recording_id;
    header.first_sample = piece->first_sample;
    header.sample_count = piece->count;
    const Bytes audio = body_of(samples.first(piece->count));
    encode_header(header, audio, message_.first<kHeaderBytes>());
    return kHeaderBytes + audio.size();
}

}  // namespace stetho
