// Sliding send window: what is sent next of which recording. First transmissions, ranges that the worker
// requests again, retransmissions after a lost connection, reminders.
//
// It holds no audio. `next` only looks, `sent` commits: a client that is full leaves everything unchanged
// (back-pressure). Times are of one monotonic clock, milliseconds. One task calls it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/wire/control_reader.h"

namespace stetho {

// Reason of a transmission. The later in this list, the more urgent.
enum class SendReason : std::uint8_t {
    kFirst,           // first transmission
    kReminder,        // no `stored` arrived: the last chunk is sent again
    kRetransmission,  // not acknowledged when the connection was lost
    kRequested,       // the worker requested it
};

// One message to be sent: META, or samples [start, end), which are empty only with LAST.
struct Transmission {
    std::uint64_t recording_id = 0;
    SendReason reason = SendReason::kFirst;
    bool is_meta = false;
    bool is_last = false;  // carries the flag LAST
    std::uint32_t start = 0;
    std::uint32_t end = 0;

    // Returns whether it carries the flag RESEND.
    bool is_resend() const { return reason == SendReason::kRequested || reason == SendReason::kReminder; }
};

struct Progress {
    std::uint32_t done = 0;   // samples that the broker has acknowledged
    std::uint32_t total = 0;  // samples that were captured so far
};

class SendWindow {
  public:
    static constexpr std::size_t kRecordings = 16;
    static constexpr std::size_t kInFlight = 16;
    static constexpr std::size_t kRanges = 32;
    static constexpr std::uint32_t kRemindAfterMs = 20'000;
    static constexpr std::uint32_t kRemindAtMostMs = 300'000;

    // `chunk_samples`: samples of every chunk but the last. `in_flight`: messages without PUBACK at
    // once, 1..kInFlight.
    SendWindow(std::uint32_t chunk_samples, std::size_t in_flight);

    // Adds a recording; its META is due with the first sample. False: kRecordings are held, or this one
    // already is.
    bool begin(std::uint64_t recording_id);
    // Sets how many samples were captured so far (gaps included).
    void captured(std::uint64_t recording_id, std::uint32_t samples);
    // Ends the recording with `samples` samples: LAST is due.
    void end(std::uint64_t recording_id, std::uint32_t samples);
    // Handles a request of the worker for samples again: replaces what it requested before and did not get
    // yet. Ranges are limited to what exists.
    void request(std::uint64_t recording_id, std::span<const SampleRange> ranges, bool meta,
                 std::uint64_t now_ms);
    // Removes a recording that is stored or given up: nothing more of it is sent.
    void erase(std::uint64_t recording_id);
    // The connection is lost: what was in flight is sent again.
    void on_connection_lost();

    // Returns what is to be sent now; nothing while the window is full or nothing is due.
    std::optional<Transmission> next(std::uint64_t now_ms) const;
    // Commits `transmission`, which was published. Its end (and `is_last` with it) may be
    // earlier than what `next` returned, where audio was lost. `token` > 0 is what its PUBACK will carry.
    void sent(const Transmission& transmission, int token, std::uint64_t now_ms);
    // Drops `transmission`, which cannot be sent: its samples are no longer there, or never were.
    void skip(const Transmission& transmission, std::uint64_t now_ms);
    // Handles a PUBACK. False: it is not for a transmission of this window.
    bool acknowledged(int token, std::uint64_t now_ms);

    // Returns whether the broker has everything of the recording so far.
    bool is_sent(std::uint64_t recording_id) const;
    bool holds(std::uint64_t recording_id) const { return find(recording_id) != nullptr; }
    // Returns the number of recordings of which something is still to be sent or acknowledged; reminders do
    // not count.
    std::size_t unsent() const;
    std::size_t held() const { return upload_count_; }
    // Returns the id of a recording that is held, 0..held() - 1, oldest first.
    std::uint64_t id_at(std::size_t index) const { return uploads_[index].id; }
    Progress progress(std::uint64_t recording_id) const;
    // Returns the first sample that the broker may not have: those before may be erased when memory is short.
    std::uint32_t needed_from(std::uint64_t recording_id) const;

  private:
    // Ranges of one recording that are sent again.
    template <std::size_t N>
    struct Ranges {
        std::array<SampleRange, N> items{};
        std::size_t count = 0;

        void add(SampleRange range);
        // Removes `transmission`, which was cut from the first range.
        void take(const Transmission& transmission);
        bool empty() const { return count == 0; }
    };

    struct Upload {
        std::uint64_t id = 0;
        std::uint32_t captured = 0;
        std::uint32_t next = 0;          // next sample of the first transmission
        std::uint32_t acknowledged = 0;  // samples
        bool is_over = false;
        bool is_meta_due = true;
        bool is_meta_requested = false;
        bool is_last_due = true;            // LAST was not sent yet
        Ranges<kRanges> requested;          // SendReason::kRequested
        Ranges<kInFlight> retransmissions;  // SendReason::kRetransmission
        std::uint64_t remind_at_ms = 0;
        std::uint32_t remind_after_ms = kRemindAfterMs;
    };

    struct Unacknowledged {
        int token = 0;
        Transmission transmission;
    };

    Upload* find(std::uint64_t recording_id);
    const Upload* find(std::uint64_t recording_id) const;
    std::optional<Transmission> next_for(SendReason reason, const Upload& upload, std::uint64_t now_ms) const;
    std::optional<Transmission> first(const Upload& upload) const;
    Transmission cut(const Upload& upload, SampleRange range, SendReason reason) const;
    static Transmission meta(const Upload& upload, SendReason reason);
    bool is_in_flight(const Upload& upload) const;
    bool is_acknowledged(const Upload& upload) const;
    bool is_fully_sent(const Upload& upload) const;
    void advance(Upload& upload, const Transmission& transmission, std::uint64_t now_ms);
    static void requeue(Upload& upload, const Transmission& transmission);

    std::uint32_t chunk_samples_;
    std::size_t max_in_flight_;
    std::array<Upload, kRecordings> uploads_{};  // in the order of recording
    std::size_t upload_count_ = 0;
    std::array<Unacknowledged, kInFlight> unacknowledged_{};
    std::size_t unacknowledged_count_ = 0;
};

}  // namespace stetho
