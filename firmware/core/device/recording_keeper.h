// Keeper of recordings: copies those that the worker has not stored from memory into flash, and back when they can
// be sent. One task calls it.
//
// Out of reach of the broker a recording goes into flash while it is made, and out of memory when it is whole there;
// with a broker, when the worker has not stored it some seconds after its end. Nothing is erased while sound is
// recorded: that takes longer than the microphone's buffers last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/device/pending_results.h"
#include "core/device/send_window.h"
#include "core/storage/recording_buffer.h"
#include "core/storage/recording_store.h"
#include "hal/flash.h"

namespace stetho {

class RecordingKeeper {
  public:
    static constexpr std::uint32_t kKeepAfterMs = 5'000;  // from the end of a recording that was sent
    static constexpr std::size_t kMostLoaded = 4;         // recordings of the flash in memory at once

    RecordingKeeper(RecordingBuffer& buffer, SendWindow& window, PendingResults& pending_results,
                    hal::Flash& flash)
        : buffer_(buffer), window_(window), pending_results_(pending_results), store_(flash) {}

    // Reads what is in flash. `boot`: random per start of the device.
    void begin(std::uint32_t boot);

    // Does a little of what is due: writes at most 4 kB, or erases one sector, or loads one recording.
    void tick(std::uint64_t now_ms, bool is_online);

    // Handles that the worker has stored a recording: it is dropped from flash, for good.
    void drop(std::uint64_t recording_id);
    // Handles that the time of day is known: recordings of this start get theirs.
    void set_capture_times(std::int64_t utc_ms, std::uint64_t now_ms);
    // Takes a recording that is in flash out of memory. False: there is none.
    bool make_room();

    bool holds(std::uint64_t recording_id) const { return store_.find(recording_id) != nullptr; }
    // Returns the number of recordings that are not stored by the worker: in memory, in flash, or both.
    std::size_t unstored() const;
    // Returns the number of recordings of which all, or a part after a power cut, is in flash.
    std::size_t in_flash() const { return store_.count(); }
    // Returns whether a restart loses nothing: every recording is whole in flash.
    bool is_all_in_flash() const;
    std::uint32_t size_bytes() const { return store_.size_bytes(); }
    // Tests the flash, as RecordingStore::check_free does.
    std::optional<bool> check_flash() { return store_.check_free(); }

  private:
    bool is_whole_in_flash(std::uint64_t recording_id) const;
    bool is_due(const BufferedRecording& recording, std::uint64_t now_ms, bool is_online) const;
    const BufferedRecording* next_due(std::uint64_t now_ms, bool is_online) const;
    bool write(const BufferedRecording& recording);
    StoreResult write_part(const BufferedRecording& recording);
    bool give_up(const BufferedRecording& recording);
    bool take_out(bool is_online);
    bool load_next();
    void evict(std::uint64_t recording_id);

    RecordingBuffer& buffer_;
    SendWindow& window_;
    PendingResults& pending_results_;
    RecordingStore store_;
    std::uint32_t boot_ = 0;
    bool is_full_ = false;  // a recording did not fit, and nothing was dropped since
};

}  // namespace stetho
