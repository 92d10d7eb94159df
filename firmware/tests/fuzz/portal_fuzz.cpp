// Fuzz target of the form's page: whatever networks are called, the page is bounded and has the markup of its
// own only.
#include <cstdlib>
#include <string>

#include "core/portal/portal_page.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static std::size_t own = 0;
    const auto render = [](const stetho::NetworkList& networks) {
        std::string page;
        const stetho::PageOut out{[](void* self, std::string_view piece) {
                                      static_cast<std::string*>(self)->append(piece);
                                      return true;
                                  },
                                  &page};
        if (!stetho::write_form({}, networks, out)) std::abort();
        return page;
    };
    const auto marks = [](const std::string& page) {
        std::size_t count = 0;
        for (const char letter : page) count += letter == '<' || letter == '"' ? 1 : 0;
        return count;
    };
    stetho::NetworkList networks;
    if (own == 0) own = marks(render(networks));
    for (std::size_t at = 0; at < size; at += 32)
        networks.add({reinterpret_cast<const char*>(data) + at, std::min<std::size_t>(size - at, 32)}, -50, true);
    const std::string page = render(networks);
    if (page.size() > stetho::kMaxPageBytes || marks(page) != own + networks.networks().size()) std::abort();
    return 0;
}
