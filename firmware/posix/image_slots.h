// Two slots for images of the firmware, as files, with the rules of the chip's boot loader: an image that is new is
// tried once, and given up at the next start unless it was confirmed.
//
// An image begins with a line, "stethoscope-posix VERSION BYTES", and ends with the CRC-32 of all before it. No image is
// run: it only gives the program another version. One thread at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "posix/file_storage.h"

namespace stetho::posix {

struct ImageHead {
    std::string version;
    std::size_t bytes = 0;  // of the whole image
};

// Returns what the first line of an image says; nothing: `text` is no image of this firmware.
std::optional<ImageHead> read_image_head(std::string_view text);

class ImageSlots {
  public:
    // Chooses the image that runs from now on. An empty `directory`: there are no slots.
    explicit ImageSlots(const std::string& directory);

    bool are_there() const { return !directory_.empty(); }
    // Returns the version of the image that runs; empty: it is the program that was built.
    std::string version() const;
    bool is_on_trial() const { return state_ == kTrial; }
    // Keeps the image that runs.
    void confirm();
    // Runs the other image from the next start on.
    void give_up();

    // Returns the file of the slot that is free.
    std::filesystem::path spare() const { return path_of(other()); }
    // Runs what is in the free slot from the next start on. False: it is no whole image.
    bool select_spare();

  private:
    static constexpr std::string_view kValid = "valid";
    static constexpr std::string_view kNew = "new";
    static constexpr std::string_view kTrial = "trial";

    char other() const { return running_ == '0' ? '1' : '0'; }
    std::filesystem::path path_of(char slot) const { return directory_ / (std::string("slot") + slot); }
    bool store(char slot, std::string_view state);

    std::filesystem::path directory_;
    FileStorage storage_;
    char running_ = '0';
    std::string_view state_ = kValid;
};

}  // namespace stetho::posix
