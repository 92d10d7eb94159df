#include "core/device/send_window.h"

#include <algorithm>

namespace stetho {

template <std::size_t N>
void SendWindow::Ranges<N>::add(SampleRange range) {
    if (count > 0 && items[count - 1].end == range.start) {
        items[count - 1].end = range.end;
    } else if (count < N) {
        items[count++] = range;
    }
}

template <std::size_t N>
void SendWindow::Ranges<N>::take(const Parcel& parcel) {
    if (count == 0) return;
    SampleRange& range = items[0];
    range.start = std::max(range.start, parcel.end);
    const bool is_over = range.end == SampleRange::kToEnd ? parcel.is_last : range.start >= range.end;
    if (!is_over) return;
    std::copy(items.begin() + 1, items.begin() + static_cast<std::ptrdiff_t>(count), items.begin());
    --count;
}

SendWindow::SendWindow(std::uint32_t chunk_samples, std::size_t in_flight)
    : chunk_samples_(std::max<std::uint32_t>(chunk_samples, 1)),
      in_flight_(std::clamp<std::size_t>(in_flight, 1, kInFlight)) {}

bool SendWindow::begin(std::uint64_t recording_id) {
    if (tracks_used_ == kRecordings || holds(recording_id)) return false;
    tracks_[tracks_used_] = Track{};
    tracks_[tracks_used_++].id = recording_id;
    return true;
}

void SendWindow::captured(std::uint64_t recording_id, std::uint32_t samples) {
    Track* track = find(recording_id);
    if (track != nullptr && !track->is_over) track->captured = std::max(track->captured, samples);
}

void SendWindow::end(std::uint64_t recording_id, std::uint32_t samples) {
    Track* track = find(recording_id);
    if (track == nullptr || track->is_over) return;
    track->captured = std::max(track->captured, samples);
    track->is_over = true;
}

void SendWindow::missing(std::uint64_t recording_id, std::span<const SampleRange> ranges, bool meta,
                         std::uint64_t now_ms) {
    Track* track = find(recording_id);
    if (track == nullptr) return;
    track->asked.count = 0;
    track->is_meta_asked = meta;
    for (SampleRange range : ranges) {
        const bool is_to_end = range.end == SampleRange::kToEnd;
        range.start = std::min(range.start, track->captured);
        // What has not left for the first time, LAST included, comes by itself.
        if (!has_left(*track))
            range.end = std::min(range.end, track->next);
        else if (!is_to_end)
            range.end = std::min(range.end, track->captured);
        if (range.start < range.end) track->asked.add(range);
    }
    track->remind_at_ms = now_ms + track->remind_after_ms;
}

void SendWindow::forget(std::uint64_t recording_id) {
    Track* track = find(recording_id);
    if (track == nullptr) return;
    std::copy(track + 1, tracks_.data() + tracks_used_, track);
    --tracks_used_;
    // Its PUBACKs still come: the client holds those messages, so they still count.
}

void SendWindow::lost() {
    for (std::size_t index = 0; index < flights_used_; ++index) {
        Track* track = find(flights_[index].parcel.recording_id);
        if (track != nullptr) put_back(*track, flights_[index].parcel);
    }
    flights_used_ = 0;
}

void SendWindow::put_back(Track& track, const Parcel& parcel) {
    const SampleRange range{parcel.start, parcel.end};
    if (parcel.cause == Cause::kReminder) {
        track.remind_at_ms = 0;
    } else if (parcel.is_meta) {
        (parcel.cause == Cause::kAsked ? track.is_meta_asked : track.is_meta_due) = true;
    } else if (parcel.start == parcel.end) {
        track.is_last_due = true;
    } else if (parcel.cause == Cause::kAsked) {
        track.asked.add(range);
    } else {
        track.again.add(range);
    }
}

std::optional<Parcel> SendWindow::next(std::uint64_t now_ms) const {
    if (flights_used_ >= in_flight_) return std::nullopt;
    const std::span tracks(tracks_.data(), tracks_used_);
    for (const Cause cause : {Cause::kAsked, Cause::kAgain, Cause::kReminder}) {
        for (const Track& track : tracks) {
            if (const auto parcel = of(cause, track, now_ms)) return parcel;
        }
    }
    // What is being recorded goes before what has waited: a person looks at it.
    for (const bool is_over : {false, true}) {
        for (const Track& track : tracks) {
            if (track.is_over != is_over) continue;
            if (const auto parcel = first(track)) return parcel;
        }
    }
    return std::nullopt;
}

std::optional<Parcel> SendWindow::of(Cause cause, const Track& track, std::uint64_t now_ms) const {
    if (cause == Cause::kAsked) {
        if (track.is_meta_asked) return meta(track, cause);
        if (!track.asked.empty()) return cut(track, track.asked.items[0], cause);
    } else if (cause == Cause::kAgain) {
        if (!track.again.empty()) return cut(track, track.again.items[0], cause);
    } else if (is_done(track) && now_ms >= track.remind_at_ms) {
        const std::uint32_t chunks_before = track.captured == 0 ? 0 : (track.captured - 1) / chunk_samples_;
        return cut(track, {chunks_before * chunk_samples_, SampleRange::kToEnd}, cause);
    }
    return std::nullopt;
}

std::optional<Parcel> SendWindow::first(const Track& track) const {
    if (track.captured == 0 && !track.is_over) return std::nullopt;  // perhaps it never begins
    if (track.is_meta_due) return meta(track, Cause::kFirst);
    const bool is_due = track.is_over ? track.next < track.captured || track.is_last_due
                                      : track.captured - track.next >= chunk_samples_;
    if (!is_due) return std::nullopt;
    return cut(track, {track.next, track.is_over ? SampleRange::kToEnd : track.captured}, Cause::kFirst);
}

Parcel SendWindow::cut(const Track& track, SampleRange range, Cause cause) const {
    const std::uint32_t stop = std::min(range.end, track.captured);
    Parcel parcel;
    parcel.recording_id = track.id;
    parcel.cause = cause;
    parcel.start = std::min(range.start, stop);
    parcel.end = parcel.start + std::min(stop - parcel.start, chunk_samples_);
    parcel.is_last = track.is_over && parcel.end == track.captured;
    return parcel;
}

Parcel SendWindow::meta(const Track& track, Cause cause) {
    Parcel parcel;
    parcel.recording_id = track.id;
    parcel.cause = cause;
    parcel.is_meta = true;
    return parcel;
}

void SendWindow::sent(const Parcel& parcel, int token, std::uint64_t now_ms) {
    Track* track = find(parcel.recording_id);
    if (track == nullptr || flights_used_ == kInFlight) return;
    flights_[flights_used_++] = {token, parcel};
    advance(*track, parcel, now_ms);
}

void SendWindow::skip(const Parcel& parcel, std::uint64_t now_ms) {
    Track* track = find(parcel.recording_id);
    if (track == nullptr) return;
    advance(*track, parcel, now_ms);
    if (parcel.cause == Cause::kFirst && !parcel.is_meta) track->acknowledged += parcel.end - parcel.start;
}

void SendWindow::advance(Track& track, const Parcel& parcel, std::uint64_t now_ms) {
    switch (parcel.cause) {
        case Cause::kAsked:
            if (parcel.is_meta)
                track.is_meta_asked = false;
            else
                track.asked.take(parcel);
            break;
        case Cause::kAgain:
            track.again.take(parcel);
            break;
        case Cause::kReminder:
            track.remind_after_ms = std::min(track.remind_after_ms * 2, kRemindAtMostMs);
            break;
        case Cause::kFirst:
            if (parcel.is_meta)
                track.is_meta_due = false;
            else
                track.next = std::max(track.next, parcel.end);
            if (parcel.is_last) track.is_last_due = false;
            break;
    }
    if (track.is_over) track.remind_at_ms = now_ms + track.remind_after_ms;
}

bool SendWindow::acknowledged(int token, std::uint64_t now_ms) {
    for (std::size_t index = 0; index < flights_used_; ++index) {
        if (flights_[index].token != token) continue;
        const Parcel parcel = flights_[index].parcel;
        std::copy(flights_.data() + index + 1, flights_.data() + flights_used_, flights_.data() + index);
        --flights_used_;
        Track* track = find(parcel.recording_id);
        if (track == nullptr) return true;
        if (!parcel.is_meta && !parcel.is_resend()) track->acknowledged += parcel.end - parcel.start;
        if (track->is_over) track->remind_at_ms = now_ms + track->remind_after_ms;
        return true;
    }
    return false;
}

bool SendWindow::is_sent(std::uint64_t recording_id) const {
    const Track* track = find(recording_id);
    return track == nullptr || is_done(*track);
}

std::size_t SendWindow::unsent() const {
    const auto is_waiting = [this](const Track& track) { return !is_done(track); };
    const auto end = tracks_.begin() + static_cast<std::ptrdiff_t>(tracks_used_);
    return static_cast<std::size_t>(std::count_if(tracks_.begin(), end, is_waiting));
}

Progress SendWindow::progress(std::uint64_t recording_id) const {
    const Track* track = find(recording_id);
    if (track == nullptr) return {};
    return {std::min(track->acknowledged, track->captured), track->captured};
}

std::uint32_t SendWindow::needed_from(std::uint64_t recording_id) const {
    const Track* track = find(recording_id);
    if (track == nullptr) return 0;
    std::uint32_t from = track->next;
    for (std::size_t index = 0; index < track->asked.count; ++index) {
        from = std::min(from, track->asked.items[index].start);
    }
    for (std::size_t index = 0; index < track->again.count; ++index) {
        from = std::min(from, track->again.items[index].start);
    }
    for (std::size_t index = 0; index < flights_used_; ++index) {
        const Parcel& parcel = flights_[index].parcel;
        if (parcel.recording_id == recording_id && !parcel.is_meta) from = std::min(from, parcel.start);
    }
    return from;
}

bool SendWindow::has_left(const Track& track) const {
    return track.is_over && track.next == track.captured && !track.is_last_due;
}

bool SendWindow::is_done(const Track& track) const {
    return has_left(track) && !track.is_meta_due && !track.is_meta_asked && track.asked.empty() &&
           track.again.empty() && !is_in_flight(track);
}

bool SendWindow::is_in_flight(const Track& track) const {
    for (std::size_t index = 0; index < flights_used_; ++index) {
        const Parcel& parcel = flights_[index].parcel;
        if (parcel.recording_id == track.id && parcel.cause != Cause::kReminder) return true;
    }
    return false;
}

const SendWindow::Track* SendWindow::find(std::uint64_t recording_id) const {
    for (std::size_t index = 0; index < tracks_used_; ++index) {
        if (tracks_[index].id == recording_id) return &tracks_[index];
    }
    return nullptr;
}

SendWindow::Track* SendWindow::find(std::uint64_t recording_id) {
    return const_cast<Track*>(static_cast<const SendWindow*>(this)->find(recording_id));
}

}  // namespace stetho
