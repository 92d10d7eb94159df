// Canvas of 128 × 64 one-bit pixels, in the memory layout of SH1106 and SSD1306: 8 pages of 128 bytes, each
// byte a column of 8 pixels with the least significant bit on top.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace stetho {

struct Font;

enum class Ink : std::uint8_t { kOff, kOn, kInvert };

// x grows to the right, y down, (0, 0) is top left. Pixels outside are not drawn. One thread.
class Canvas {
  public:
    static constexpr int kWidth = 128;
    static constexpr int kHeight = 64;
    static constexpr int kPages = kHeight / 8;

    void clear() { bytes_.fill(0); }

    void set(int x, int y, Ink ink = Ink::kOn);

    // Returns whether a pixel is lit; false outside.
    bool get(int x, int y) const;

    void fill(int x, int y, int width, int height, Ink ink = Ink::kOn);

    // Draws an outline of one pixel, inside the box.
    void rectangle(int x, int y, int width, int height);

    // Draws one line of UTF-8 with its top left at (x, y). Returns the x after it. A character that `font`
    // lacks is drawn as an empty box, whatever the bytes are.
    int write(int x, int y, std::string_view text, const Font& font, Ink ink = Ink::kOn);

    std::span<const std::uint8_t, kWidth> page(int index) const {
        return std::span<const std::uint8_t, kWidth>(bytes_.data() + index * kWidth, kWidth);
    }

    friend bool operator==(const Canvas&, const Canvas&) = default;

  private:
    std::array<std::uint8_t, kWidth * kPages> bytes_{};
};

}  // namespace stetho
