// Compares screens, as the driver writes them to the emulated chip, pixel for pixel with golden/*.png. To
// renew them after a wanted change: STETHO_RENEW_GOLDEN=1 build/host/tests/stetho_tests
// -sf='*golden_test.cpp'
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "core/display/canvas_renderer.h"
#include "core/display/sh1106.h"
#include "posix/png.h"
#include "posix/sh1106_emulator.h"
#include "tests/screen_examples.h"

using namespace stetho;
namespace fs = std::filesystem;

namespace {

using File = std::vector<std::uint8_t>;

const fs::path kGolden = fs::path(STETHO_TESTS) / "golden";

File read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const fs::path& path, const File& bytes) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace

TEST_CASE("every screen looks as it did") {
    const bool renews = std::getenv("STETHO_RENEW_GOLDEN") != nullptr;
    posix::Sh1106Emulator chip;
    Sh1106 display(chip);
    std::set<std::string> names;
    for (const auto& [name, screen] : test::screen_examples()) {
        CAPTURE(name);
        names.insert(name + ".png");
        Canvas canvas;
        draw(screen, canvas);
        REQUIRE(display.show(canvas, 0));
        CHECK(chip.visible_canvas() == canvas);
        const File picture = posix::encode_png(chip.visible_canvas());
        if (renews) write_file(kGolden / (name + ".png"), picture);
        const bool is_same = read_file(kGolden / (name + ".png")) == picture;
        CHECK(is_same);
        if (!is_same) {
            const fs::path seen = fs::temp_directory_path() / ("stetho-" + name + ".png");
            write_file(seen, picture);
            MESSAGE("what was drawn: " << seen.string());
        }
    }
    for (const auto& entry : fs::directory_iterator(kGolden)) {
        CHECK_MESSAGE(names.contains(entry.path().filename().string()),
                      "no screen looks like " << entry.path().string());
    }
}
