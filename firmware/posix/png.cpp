// PNG (RFC 2083) with deflate (RFC 1951) of fixed codes: literals, and repeats of the previous byte. Rows are
// filtered "up", so that a row like the one above becomes a run of zeros.
#include "posix/png.h"

#include <array>
#include <string_view>

#include "core/wire/crc32.h"

namespace stetho::posix {
namespace {

using Stream = std::vector<std::uint8_t>;

constexpr std::size_t kLongestRun = 258;

class BitWriter {
  public:
    explicit BitWriter(Stream& out) : out_(out) {}

    void put(unsigned value, unsigned count) {  // least significant bit first
        for (unsigned bit = 0; bit < count; ++bit) {
            if (used_ == 0) out_.push_back(0);
            out_.back() = static_cast<std::uint8_t>(out_.back() | (value >> bit & 1U) << used_);
            used_ = (used_ + 1) % 8;
        }
    }

    void put_code(unsigned code, unsigned count) {  // most significant bit first
        while (count-- > 0) put(code >> count & 1U, 1);
    }

    // Writes a symbol of the fixed literal and length code.
    void put_symbol(unsigned symbol) {
        if (symbol < 144)
            put_code(0x30 + symbol, 8);
        else if (symbol < 256)
            put_code(0x190 + symbol - 144, 9);
        else if (symbol < 280)
            put_code(symbol - 256, 7);
        else
            put_code(0xC0 + symbol - 280, 8);
    }

    // Writes a repeat of the previous byte, `length` (3..258) times.
    void put_run(std::size_t length) {
        static constexpr std::array<std::uint16_t, 29> kBase{3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                                             15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                                             67, 83, 99, 115, 131, 163, 195, 227, 258};
        unsigned index = 28;
        while (kBase[index] > length) --index;
        const unsigned extra_bits = index < 8 || index == 28 ? 0 : (index - 4) / 4;
        put_symbol(257 + index);
        put(static_cast<unsigned>(length) - kBase[index], extra_bits);
        put_code(0, 5);  // distance 1
    }

  private:
    Stream& out_;
    unsigned used_ = 0;
};

void put_u32(Stream& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_chunk(Stream& out, std::string_view type, const Stream& body) {
    put_u32(out, static_cast<std::uint32_t>(body.size()));
    const std::size_t start = out.size();
    out.insert(out.end(), type.begin(), type.end());
    out.insert(out.end(), body.begin(), body.end());
    put_u32(out, crc32(std::span(out).subspan(start)));
}

std::uint32_t adler32(const Stream& bytes) {
    std::uint32_t low = 1;
    std::uint32_t high = 0;
    for (const std::uint8_t byte : bytes) {
        low = (low + byte) % 65521;
        high = (high + low) % 65521;
    }
    return high << 16 | low;
}

Stream compress(const Stream& bytes) {
    Stream out{0x78, 0x01};
    BitWriter bits(out);
    bits.put(1, 1);  // the last block
    bits.put(1, 2);  // fixed codes
    for (std::size_t at = 0; at < bytes.size();) {
        std::size_t run = 0;
        while (at > 0 && run < kLongestRun && at + run < bytes.size() && bytes[at + run] == bytes[at - 1])
            ++run;
        if (run >= 3)
            bits.put_run(run);
        else
            bits.put_symbol(bytes[at]);
        at += run >= 3 ? run : 1;
    }
    bits.put_symbol(256);
    put_u32(out, adler32(bytes));
    return out;
}

// Returns the rows of the picture, each with its filter byte.
Stream filtered_rows(const Canvas& canvas, int scale) {
    constexpr std::uint8_t kUp = 2;
    const std::size_t row_bytes = static_cast<std::size_t>(Canvas::kWidth * scale / 8);
    Stream out;
    Stream above(row_bytes);
    for (int y = 0; y < Canvas::kHeight * scale; ++y) {
        Stream row(row_bytes);
        for (int x = 0; x < Canvas::kWidth * scale; ++x) {
            const unsigned bit = canvas.get(x / scale, y / scale) ? 0x80U >> (x % 8) : 0U;
            row[static_cast<std::size_t>(x / 8)] |= static_cast<std::uint8_t>(bit);
        }
        out.push_back(kUp);
        for (std::size_t at = 0; at < row_bytes; ++at)
            out.push_back(static_cast<std::uint8_t>(row[at] - above[at]));
        above = row;
    }
    return out;
}

}  // namespace

std::vector<std::uint8_t> encode_png(const Canvas& canvas, int scale) {
    Stream out{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    Stream header;
    put_u32(header, static_cast<std::uint32_t>(Canvas::kWidth * scale));
    put_u32(header, static_cast<std::uint32_t>(Canvas::kHeight * scale));
    header.insert(header.end(), {1, 0, 0, 0, 0});  // 1 bit, grey, deflate, adaptive filters, not interlaced
    put_chunk(out, "IHDR", header);
    put_chunk(out, "IDAT", compress(filtered_rows(canvas, scale)));
    put_chunk(out, "IEND", {});
    return out;
}

}  // namespace stetho::posix
