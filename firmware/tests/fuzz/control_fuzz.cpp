// Fuzz target of the control reader: a message that is accepted names its recording, and its ranges are not
// empty.
#include <cstdlib>

#include "core/wire/control_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto control = stetho::read_control({data, size});
    if (!control) return 0;
    if (control->type != stetho::ControlType::kRejected && !control->recording_id) std::abort();
    for (const auto& range : control->requested_ranges()) {
        if (range.start >= range.end) std::abort();
    }
    return 0;
}
