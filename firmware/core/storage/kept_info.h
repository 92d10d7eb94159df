// Data of a recording as they lie in flash: what META will say of it after a restart. No state: any thread.
#pragma once

#include <cstddef>

#include "core/storage/buffered_recording.h"
#include "core/wire/bytes.h"

namespace stetho {

inline constexpr std::size_t kInfoBytes = 116;

// Writes `info` to `out`, which has kInfoBytes.
void write_kept_info(const RecordingInfo& info, WritableBytes out);

// Reads what `write_kept_info` wrote; whoever calls it has checked that it is that.
RecordingInfo read_kept_info(Bytes bytes);

}  // namespace stetho
