// Fuzz target of the readers of live values and of workers' states.
#include <cstdlib>

#include "core/wire/live_reader.h"
#include "core/wire/worker_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    stetho::ReadyWorkers analysers;
    analysers.update("stetho/v1/worker/a", stetho::read_worker_state({data, size}));
    const auto live = stetho::read_live({data, size});
    if (!live) return 0;
    if (live->bpm && (*live->bpm < 1 || *live->bpm > 999)) std::abort();
    if (live->quality_permille.value_or(0) > 1000 || live->confidence_permille.value_or(0) > 1000)
        std::abort();
    return 0;
}
