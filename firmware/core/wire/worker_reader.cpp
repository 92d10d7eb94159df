#include "core/wire/worker_reader.h"

#include <algorithm>

#include "core/wire/crc32.h"
#include "core/wire/json_reader.h"

namespace stetho {

WorkerState read_worker_state(Bytes payload) {
    WorkerState state = WorkerState::kUnknown;
    const bool is_whole = read_object(payload, [&](std::string_view key, JsonReader& value) {
        if (key != "state") return;
        state = value.is_string("ready")      ? WorkerState::kReady
                : value.is_string("degraded") ? WorkerState::kDegraded
                : value.is_string("offline")  ? WorkerState::kOffline
                                              : WorkerState::kUnknown;
    });
    return is_whole ? state : WorkerState::kUnknown;
}

void ReadyWorkers::update(std::string_view topic, WorkerState state) {
    const std::uint32_t key = crc32({reinterpret_cast<const std::uint8_t*>(topic.data()), topic.size()});
    const auto end = topics_.begin() + static_cast<std::ptrdiff_t>(count_);
    const auto found = std::find(topics_.begin(), end, key);
    if (state == WorkerState::kReady && found == end && count_ < kMax) topics_[count_++] = key;
    if (state != WorkerState::kReady && found != end) *found = topics_[--count_];
}

}  // namespace stetho
