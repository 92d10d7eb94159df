// Reader of the retained states of the workers on `stetho/v1/worker/+`, and the set of workers that are
// ready.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/wire/bytes.h"

namespace stetho {

// `kUnknown`: none of the three words of the protocol; counts as not ready.
enum class WorkerState : std::uint8_t { kReady, kDegraded, kOffline, kUnknown };

// Returns the state in `payload`. An empty payload (a retained message that was deleted) is `kUnknown`.
WorkerState read_worker_state(Bytes payload);

// Set of the workers that are ready, by topic. Application thread only.
class ReadyWorkers {
  public:
    // Most workers that are told apart. One more that is ready is counted at its next message.
    static constexpr std::size_t kMax = 8;

    // Stores the state that the worker of `topic` published.
    void update(std::string_view topic, WorkerState state);
    // Returns whether a recording would be analysed now. The screen shows "no analyser" if not.
    bool any_ready() const { return count_ != 0; }
    // Removes all workers: at every connect the broker sends the retained states again.
    void clear() { count_ = 0; }

  private:
    std::array<std::uint32_t, kMax> topics_{};  // CRC-32 of each topic: enough to tell eight apart
    std::size_t count_ = 0;
};

}  // namespace stetho
