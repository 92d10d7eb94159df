// Fixture of a recording store on a model of flash: keeps whole recordings, erases where it must.
#pragma once

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "core/storage/recording_store.h"
#include "tests/flash_model.h"
#include "tests/recording_buffer_fixture.h"

namespace stetho::test {

// Store that was just mounted.
struct Store {
    explicit Store(FlashModel& flash, std::uint32_t random = 0) : store(flash) { store.mount(random); }

    // Each of these returns whether the store has done it; `last` says why not.
    bool begin(const RecordingInfo& recording) {
        return repeat([&] { return store.begin(recording); });
    }
    bool append(std::uint64_t id, std::uint32_t first, const std::vector<std::int16_t>& samples) {
        for (std::size_t done = 0; done < samples.size(); done += RecordingStore::kRecordSamples) {
            const std::size_t count = std::min(RecordingStore::kRecordSamples, samples.size() - done);
            const auto at = first + static_cast<std::uint32_t>(done);
            if (!repeat([&] { return store.append(id, at, std::span(samples).subspan(done, count)); })) return false;
        }
        return true;
    }
    bool end(std::uint64_t id, std::uint32_t length) {
        return repeat([&] { return store.end(id, length); });
    }
    bool keep(const RecordingInfo& recording, const std::vector<std::int16_t>& samples) {
        const std::uint64_t id = recording.recording_id;
        return begin(recording) && append(id, 0, samples) && end(id, static_cast<std::uint32_t>(samples.size()));
    }

    RecordingStore store;
    StoreResult last = StoreResult::kDone;

  private:
    template <class Write>
    bool repeat(Write write) {
        last = write();
        for (int round = 0; round < 1'000 && last == StoreResult::kMustErase; ++round) {
            store.erase_one();
            last = write();
        }
        return last == StoreResult::kDone;
    }
};

}  // namespace stetho::test
