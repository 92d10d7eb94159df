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
void SendWindow::Ranges<N>::take(const Transmission& transmission) {
    if (count == 0) return;
    SampleRange& range = items[0];
    range.start = std::max(range.start, transmission.end);
    const bool is_over = range.end == SampleRange::kToEnd ? transmission.is_last : range.start >= range.end;
    if (!is_over) return;
    std::copy(items.begin() + 1, items.begin() + static_cast<std::ptrdiff_t>(count), items.begin());
    --count;
}

SendWindow::SendWindow(std::uint32_t chunk_samples, std::size_t in_flight)
    : chunk_samples_(std::max<std::uint32_t>(chunk_samples, 1)),
      max_in_flight_(std::clamp<std::size_t>(in_flight, 1, kInFlight)) {}

bool SendWindow::begin(std::uint64_t recording_id) {
    if (upload_count_ == kRecordings || holds(recording_id)) return false;
    uploads_[upload_count_] = Upload{};
    uploads_[upload_count_++].id = recording_id;
    return true;
}

void SendWindow::captured(std::uint64_t recording_id, std::uint32_t samples) {
    Upload* upload = find(recording_id);
    if (upload != nullptr && !upload->is_over) upload->captured = std::max(upload->captured, samples);
}

void SendWindow::end(std::uint64_t recording_id, std::uint32_t samples) {
    Upload* upload = find(recording_id);
    if (upload == nullptr || upload->is_over) return;
    upload->captured = std::max(upload->captured, samples);
    upload->is_over = true;
}

void SendWindow::request(std::uint64_t recording_id, std::span<const SampleRange> ranges, bool meta,
                         std::uint64_t now_ms) {
    Upload* upload = find(recording_id);
    if (upload == nullptr) return;
    const bool is_on_its_way = !is_fully_sent(*upload) || is_in_flight(*upload);
    upload->requested.count = 0;
    upload->is_meta_requested = meta;
    for (SampleRange range : ranges) {
        const bool is_to_end = range.end == SampleRange::kToEnd;
        // The end follows anyway. What was lost before it is requested once more is there.
        if (is_to_end && is_on_its_way) continue;
        range.start = std::min(range.start, upload->captured);
        if (!is_fully_sent(*upload))
            range.end = std::min(range.end, upload->next);
        else if (!is_to_end)
            range.end = std::min(range.end, upload->captured);
        if (range.start < range.end) upload->requested.add(range);
    }
    upload->remind_at_ms = now_ms + upload->remind_after_ms;
}

void SendWindow::erase(std::uint64_t recording_id) {
    Upload* upload = find(recording_id);
    if (upload == nullptr) return;
    std::copy(upload + 1, uploads_.data() + upload_count_, upload);
    --upload_count_;
    // Its PUBACKs still arrive: the client holds those messages, so they still count.
}

void SendWindow::on_connection_lost() {
    for (std::size_t index = 0; index < unacknowledged_count_; ++index) {
        Upload* upload = find(unacknowledged_[index].transmission.recording_id);
        if (upload != nullptr) requeue(*upload, unacknowledged_[index].transmission);
    }
    unacknowledged_count_ = 0;
    // `stored` may have been lost with it: what the broker has is followed by a reminder at once.
    for (std::size_t index = 0; index < upload_count_; ++index) uploads_[index].remind_at_ms = 0;
}

void SendWindow::requeue(Upload& upload, const Transmission& transmission) {
    const SampleRange range{transmission.start, transmission.end};
    if (transmission.reason == SendReason::kReminder) return;  // is due again
    if (transmission.is_meta) {
        (transmission.reason == SendReason::kRequested ? upload.is_meta_requested : upload.is_meta_due) =
            true;
    } else if (transmission.start == transmission.end) {
        upload.is_last_due = true;
    } else if (transmission.reason == SendReason::kRequested) {
        upload.requested.add(range);
    } else {
        upload.retransmissions.add(range);
    }
}

std::optional<Transmission> SendWindow::next(std::uint64_t now_ms) const {
    if (unacknowledged_count_ >= max_in_flight_) return std::nullopt;
    const std::span uploads(uploads_.data(), upload_count_);
    for (const SendReason reason :
         {SendReason::kRequested, SendReason::kRetransmission, SendReason::kReminder}) {
        for (const Upload& upload : uploads) {
            if (const auto transmission = next_for(reason, upload, now_ms)) return transmission;
        }
    }
    // The recording that is being made goes before those that wait: a person looks at it.
    for (const bool is_over : {false, true}) {
        for (const Upload& upload : uploads) {
            if (upload.is_over != is_over) continue;
            if (const auto transmission = first(upload)) return transmission;
        }
    }
    return std::nullopt;
}

std::optional<Transmission> SendWindow::next_for(SendReason reason, const Upload& upload,
                                                 std::uint64_t now_ms) const {
    if (reason == SendReason::kRequested) {
        if (upload.is_meta_requested) return meta(upload, reason);
        if (!upload.requested.empty()) return cut(upload, upload.requested.items[0], reason);
    } else if (reason == SendReason::kRetransmission) {
        if (!upload.retransmissions.empty()) return cut(upload, upload.retransmissions.items[0], reason);
    } else if (is_acknowledged(upload) && now_ms >= upload.remind_at_ms) {
        const std::uint32_t chunks_before = upload.captured == 0 ? 0 : (upload.captured - 1) / chunk_samples_;
        return cut(upload, {chunks_before * chunk_samples_, SampleRange::kToEnd}, reason);
    }
    return std::nullopt;
}

std::optional<Transmission> SendWindow::first(const Upload& upload) const {
    if (upload.captured == 0 && !upload.is_over) return std::nullopt;  // it may never get a sample
    if (upload.is_meta_due) return meta(upload, SendReason::kFirst);
    const bool is_due = upload.is_over ? upload.next < upload.captured || upload.is_last_due
                                       : upload.captured - upload.next >= chunk_samples_;
    if (!is_due) return std::nullopt;
    return cut(upload, {upload.next, upload.is_over ? SampleRange::kToEnd : upload.captured},
               SendReason::kFirst);
}

Transmission SendWindow::cut(const Upload& upload, SampleRange range, SendReason reason) const {
    const std::uint32_t stop = std::min(range.end, upload.captured);
    Transmission transmission;
    transmission.recording_id = upload.id;
    transmission.reason = reason;
    transmission.start = std::min(range.start, stop);
    transmission.end = transmission.start + std::min(stop - transmission.start, chunk_samples_);
    transmission.is_last = upload.is_over && transmission.end == upload.captured;
    return transmission;
}

Transmission SendWindow::meta(const Upload& upload, SendReason reason) {
    Transmission transmission;
    transmission.recording_id = upload.id;
    transmission.reason = reason;
    transmission.is_meta = true;
    return transmission;
}

void SendWindow::sent(const Transmission& transmission, int token, std::uint64_t now_ms) {
    Upload* upload = find(transmission.recording_id);
    if (upload == nullptr || unacknowledged_count_ == kInFlight) return;
    unacknowledged_[unacknowledged_count_++] = {token, transmission};
    advance(*upload, transmission, now_ms);
}

void SendWindow::skip(const Transmission& transmission, std::uint64_t now_ms) {
    Upload* upload = find(transmission.recording_id);
    if (upload == nullptr) return;
    advance(*upload, transmission, now_ms);
    if (transmission.reason == SendReason::kFirst && !transmission.is_meta)
        upload->acknowledged += transmission.end - transmission.start;
}

void SendWindow::advance(Upload& upload, const Transmission& transmission, std::uint64_t now_ms) {
    switch (transmission.reason) {
        case SendReason::kRequested:
            if (transmission.is_meta)
                upload.is_meta_requested = false;
            else
                upload.requested.take(transmission);
            break;
        case SendReason::kRetransmission:
            upload.retransmissions.take(transmission);
            break;
        case SendReason::kReminder:
            upload.remind_after_ms = std::min(upload.remind_after_ms * 2, kRemindAtMostMs);
            break;
        case SendReason::kFirst:
            if (transmission.is_meta)
                upload.is_meta_due = false;
            else
                upload.next = std::max(upload.next, transmission.end);
            if (transmission.is_last) upload.is_last_due = false;
            break;
    }
    if (upload.is_over) upload.remind_at_ms = now_ms + upload.remind_after_ms;
}

bool SendWindow::acknowledged(int token, std::uint64_t now_ms) {
    for (std::size_t index = 0; index < unacknowledged_count_; ++index) {
        if (unacknowledged_[index].token != token) continue;
        const Transmission transmission = unacknowledged_[index].transmission;
        std::copy(unacknowledged_.data() + index + 1, unacknowledged_.data() + unacknowledged_count_,
                  unacknowledged_.data() + index);
        --unacknowledged_count_;
        Upload* upload = find(transmission.recording_id);
        if (upload == nullptr) return true;
        if (!transmission.is_meta && !transmission.is_resend())
            upload->acknowledged += transmission.end - transmission.start;
        if (upload->is_over) upload->remind_at_ms = now_ms + upload->remind_after_ms;
        return true;
    }
    return false;
}

bool SendWindow::is_sent(std::uint64_t recording_id) const {
    const Upload* upload = find(recording_id);
    return upload == nullptr || is_acknowledged(*upload);
}

std::size_t SendWindow::unsent() const {
    const auto is_waiting = [this](const Upload& upload) { return !is_acknowledged(upload); };
    const auto end = uploads_.begin() + static_cast<std::ptrdiff_t>(upload_count_);
    return static_cast<std::size_t>(std::count_if(uploads_.begin(), end, is_waiting));
}

Progress SendWindow::progress(std::uint64_t recording_id) const {
    const Upload* upload = find(recording_id);
    if (upload == nullptr) return {};
    return {std::min(upload->acknowledged, upload->captured), upload->captured};
}

std::uint32_t SendWindow::needed_from(std::uint64_t recording_id) const {
    const Upload* upload = find(recording_id);
    if (upload == nullptr) return 0;
    std::uint32_t from = upload->next;
    for (std::size_t index = 0; index < upload->requested.count; ++index) {
        from = std::min(from, upload->requested.items[index].start);
    }
    for (std::size_t index = 0; index < upload->retransmissions.count; ++index) {
        from = std::min(from, upload->retransmissions.items[index].start);
    }
    for (std::size_t index = 0; index < unacknowledged_count_; ++index) {
        const Transmission& transmission = unacknowledged_[index].transmission;
        if (transmission.recording_id == recording_id && !transmission.is_meta)
            from = std::min(from, transmission.start);
    }
    return from;
}

bool SendWindow::is_fully_sent(const Upload& upload) const {
    return upload.is_over && upload.next == upload.captured && !upload.is_last_due;
}

bool SendWindow::is_acknowledged(const Upload& upload) const {
    return is_fully_sent(upload) && !upload.is_meta_due && !upload.is_meta_requested &&
           upload.requested.empty() && upload.retransmissions.empty() && !is_in_flight(upload);
}

bool SendWindow::is_in_flight(const Upload& upload) const {
    for (std::size_t index = 0; index < unacknowledged_count_; ++index) {
        const Transmission& transmission = unacknowledged_[index].transmission;
        if (transmission.recording_id == upload.id && transmission.reason != SendReason::kReminder)
            return true;
    }
    return false;
}

const SendWindow::Upload* SendWindow::find(std::uint64_t recording_id) const {
    for (std::size_t index = 0; index < upload_count_; ++index) {
        if (uploads_[index].id == recording_id) return &uploads_[index];
    }
    return nullptr;
}

SendWindow::Upload* SendWindow::find(std::uint64_t recording_id) {
    return const_cast<Upload*>(static_cast<const SendWindow*>(this)->find(recording_id));
}

}  // namespace stetho
