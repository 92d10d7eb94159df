// Fuzz target of the result reader: a result that is accepted is within the limits of its header.
#include <cstdlib>

#include "core/wire/result_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto result = stetho::read_result({data, size});
    if (!result) return 0;
    if (result->bpm && (*result->bpm < 1 || *result->bpm > 999)) std::abort();
    if (result->confidence_permille > 1000) std::abort();
    for (const char character : result->label.view()) {
        if (character < 0x20 || character > 0x7E) std::abort();
    }
    return 0;
}
