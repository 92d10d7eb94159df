// Who can analyse: the retained states of the workers on `stetho/v1/worker/+`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/wire/bytes.h"

namespace stetho {

// `kUnknown` is everything that is not one of the three words: not ready.
enum class WorkerState : std::uint8_t { kReady, kDegraded, kOffline, kUnknown };

// Returns the state in `payload`. An empty payload (a retained message that was deleted) is `kUnknown`.
WorkerState read_worker_state(Bytes payload);

// The workers that are ready, by topic. Application thread only.
class ReadyWorkers {
  public:
    // More than so many ready at once are not told apart: the rest is noticed at its next message.
    static constexpr std::size_t kMax = 8;

    // Takes what the worker of `topic` said.
    void update(std::string_view topic, WorkerState state);
    // Whether a recording would be analysed now. "no analyser" on the screen unless this is true.
    bool any_ready() const { return count_ != 0; }
    // Forgets all: at every connect the retained states come anew.
    void clear() { count_ = 0; }

  private:
    std::array<std::uint32_t, kMax> topics_{};  // CRC-32 of each topic: enough to tell eight apart
    std::size_t count_ = 0;
};

}  // namespace stetho
