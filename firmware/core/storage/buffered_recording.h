// One recording of a `RecordingBuffer`: what is known of it, its gaps and its blocks of samples.
#pragma once

#include <cstdint>
#include <optional>

#include "core/storage/block_pool.h"
#include "core/storage/gap_list.h"
#include "core/wire/fixed_string.h"

namespace stetho {

// Data of a recording that is known when it starts.
struct RecordingInfo {
    std::uint64_t recording_id = 0;
    std::uint32_t sample_rate_hz = 0;
    bool is_stream = false;                             // no end known beforehand
    std::uint64_t started_ms = 0;                       // monotonic clock at the first sample
    std::optional<std::int64_t> captured_unix_ms = {};  // time of day at the first sample, if known
    FixedString<16> site = {};
    FixedString<64> models = {};     // names between commas; empty: the worker's default
    std::uint8_t amplification = 1;  // 1..100
    std::optional<std::uint8_t> battery_percent = {};  // at its start; nothing: there is none
    bool is_cut_off = false;         // the device lost power while it was recorded
    std::uint32_t boot = 0;          // of the start of the device in which it was made; `started_ms` counts from it
};

class BufferedRecording {
  public:
    const RecordingInfo& info() const { return info_; }
    std::uint32_t length() const { return length_; }                  // samples so far, lost ones included
    std::uint32_t available_from() const { return available_from_; }  // samples before this were erased
    bool is_finished() const { return is_finished_; }                 // `length` is final
    bool is_stored() const { return is_stored_; }  // the worker has stored it; may be erased at any time

  private:
    friend class RecordingBuffer;

    RecordingInfo info_;
    GapList gaps_;
    BlockChain blocks_;
    std::uint32_t length_ = 0;
    std::uint32_t available_from_ = 0;
    std::uint32_t written_ = 0;   // positions that were ever used
    std::uint32_t released_ = 0;  // positions before this were freed: whole blocks
    std::uint32_t order_ = 0;     // the lower, the older
    bool is_used_ = false;
    bool is_finished_ = false;
    bool is_stored_ = false;
};

}  // namespace stetho
