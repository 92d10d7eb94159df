// Display of the Linux program: the driver writes to the emulated chip, and the pixels of the chip are
// written as pictures to files, the text of the screen to the terminal.
#pragma once

#include <filesystem>

#include "core/device/device.h"
#include "core/display/sh1106.h"
#include "posix/sh1106_emulator.h"
#include "posix/task_thread.h"

namespace stetho::posix {

class Display {
  public:
    // An empty `directory`: no pictures. `is_quiet`: no text.
    Display(std::filesystem::path directory, bool is_quiet);

    // Shows the screen of `device`, at most ten times a second.
    void show(const Device& device, std::uint64_t now_ms);

    // Unplugs the emulated display, or plugs it in again; without power meanwhile.
    void plug(bool is_plugged);
    std::optional<bool> is_there() const { return driver_.is_there(); }

  private:
    void draw(const Device& device, std::uint64_t now_ms);
    void save(const Canvas& canvas, State state);
    void print(const Screen& screen, std::uint64_t now_ms);

    std::filesystem::path directory_;
    bool is_quiet_;
    Sh1106Emulator chip_;
    Sh1106 driver_;
    Canvas canvas_;
    Screen screen_;
    std::uint64_t shown_at_ms_ = 0;
    std::uint64_t printed_at_ms_ = 0;
    int pictures_ = 0;
    TaskThread task_{hal::kDisplayTask};
};

}  // namespace stetho::posix
