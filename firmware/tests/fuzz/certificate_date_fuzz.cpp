// Fuzz target of the date of a certificate: what is read lies in the years that a certificate can name.
#include <cstdlib>

#include "core/wire/certificate_date.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto from = stetho::valid_from({reinterpret_cast<const char*>(data), size});
    if (from && (*from < -62'200'000'000 || *from > 253'402'300'800)) std::abort();
    return 0;
}
