// Fuzz target of the search for the broker: whoever is found can be called, and there are not too many.
#include <cstdlib>

#include "core/wire/broker_search.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static stetho::BrokerSearch search;
    search.begin(size % 2 == 0, size < 2 ? 0 : static_cast<std::uint16_t>(data[0] << 8 | data[1]));
    for (int twice = 0; twice < 2; ++twice) search.read({data, size});
    for (const stetho::FoundBroker& broker : search.found()) {
        if (broker.port == 0 || broker.address[0] == 0 || broker.address[0] >= 224) std::abort();
        if (!broker.instance.view().starts_with("stetho") || !broker.host.view().ends_with(".local")) std::abort();
    }
    std::array<std::uint8_t, 512> out{};
    const std::size_t length = search.write_question(out);
    if (length < 12 || length > out.size()) std::abort();
    return 0;
}
