#include "core/storage/flash_log.h"

#include <algorithm>
#include <array>

#include "core/storage/byte_order.h"
#include "core/wire/crc32.h"

namespace stetho {
namespace {

constexpr std::uint32_t kMagic = 0x314B'5453;  // "STK1"
constexpr std::size_t kChecked = 12;           // bytes of a header before its checksum
constexpr std::size_t kPage = 512;
static_assert(FlashLog::kHeaderBytes + FlashLog::kMaxBodyBytes <= kPage);

using Page = std::array<std::uint8_t, kPage>;

bool is_all_ones(Bytes bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0xFF; });
}

}  // namespace

std::optional<SectorHeader> FlashLog::read_header(std::uint32_t sector) const {
    std::array<std::uint8_t, kHeaderBytes> bytes{};
    if (!flash_.load(sector * kSectorBytes, bytes)) return std::nullopt;
    const bool is_whole = get<std::uint32_t>(bytes, 0) == kMagic &&
                          get<std::uint32_t>(bytes, kChecked) == crc32(Bytes(bytes).first(kChecked));
    if (!is_whole) return std::nullopt;
    return SectorHeader{get<std::uint32_t>(bytes, 4), get<std::uint16_t>(bytes, 8)};
}

bool FlashLog::write_header(std::uint32_t sector, const SectorHeader& header) {
    std::array<std::uint8_t, kHeaderBytes> bytes{};
    put<std::uint32_t>(bytes, 0, kMagic);
    put<std::uint32_t>(bytes, 4, header.log);
    put<std::uint16_t>(bytes, 8, header.place);
    put<std::uint32_t>(bytes, kChecked, crc32(Bytes(bytes).first(kChecked)));
    return write_checked(sector * kSectorBytes, bytes);
}

bool FlashLog::clear_header(std::uint32_t sector) {
    const std::array<std::uint8_t, kHeaderBytes> zeros{};
    return write_checked(sector * kSectorBytes, zeros);
}

bool FlashLog::is_blank(std::uint32_t sector, std::uint32_t offset) const {
    Page page;
    while (offset < kSectorBytes) {
        const auto part = WritableBytes(page).first(std::min<std::size_t>(kPage, kSectorBytes - offset));
        if (!flash_.load(sector * kSectorBytes + offset, part) || !is_all_ones(part)) return false;
        offset += static_cast<std::uint32_t>(part.size());
    }
    return true;
}

bool FlashLog::erase(std::uint32_t sector) { return flash_.erase(sector * kSectorBytes) && is_blank(sector); }

// What a power cut in the middle leaves has no header, so it is no sector of a log.
bool FlashLog::check(std::uint32_t sector) {
    if (!erase(sector)) return false;
    Page page;
    for (std::size_t at = 0; at < kPage; ++at) page[at] = static_cast<std::uint8_t>(at * 151 ^ at >> 8U);
    bool holds = true;
    for (std::uint32_t offset = 0; offset < kSectorBytes; offset += kPage)
        holds = write_checked(sector * kSectorBytes + offset, page) && holds;
    return erase(sector) && holds;
}

std::optional<Record> FlashLog::next(std::uint32_t sector, std::uint32_t log, std::uint32_t& offset) const {
    const std::uint32_t at = sector * kSectorBytes + offset;
    Page page;
    const auto header = WritableBytes(page).first(kHeaderBytes);
    if (offset + kHeaderBytes > kSectorBytes || !flash_.load(at, header)) {
        offset = kSectorBytes;
        return std::nullopt;
    }
    if (is_all_ones(header) && is_blank(sector, offset)) return std::nullopt;
    const Record record{static_cast<RecordType>(header[0]), get<std::uint16_t>(header, 2),
                        get<std::uint32_t>(header, 4), at + kHeaderBytes};
    const std::uint32_t crc = get<std::uint32_t>(header, kChecked);
    const bool fits = record.size <= kMaxBodyBytes && offset + kHeaderBytes + record.size <= kSectorBytes;
    const auto body = fits ? WritableBytes(page).subspan(kHeaderBytes, record.size) : WritableBytes();
    const bool is_whole = fits && get<std::uint32_t>(header, 8) == log && flash_.load(record.offset, body) &&
                          crc == crc32(body, crc32(Bytes(header).first(kChecked)));
    offset = is_whole ? offset + kHeaderBytes + record.size : kSectorBytes;
    return is_whole ? std::optional(record) : std::nullopt;
}

bool FlashLog::write(std::uint32_t sector, std::uint32_t log, std::uint32_t offset, RecordType type,
                     std::uint32_t value, Bytes body) {
    Page page{};
    const auto record = WritableBytes(page).first(kHeaderBytes + body.size());
    record[0] = static_cast<std::uint8_t>(type);
    put<std::uint16_t>(record, 2, static_cast<std::uint16_t>(body.size()));
    put<std::uint32_t>(record, 4, value);
    put<std::uint32_t>(record, 8, log);
    put<std::uint32_t>(record, kChecked, crc32(body, crc32(Bytes(record).first(kChecked))));
    std::copy(body.begin(), body.end(), record.begin() + kHeaderBytes);
    return write_checked(sector * kSectorBytes + offset, record);
}

// Writes and reads again: a worn cell, or one that was written before, shows here.
bool FlashLog::write_checked(std::uint32_t offset, Bytes bytes) {
    Page page;
    const auto held = WritableBytes(page).first(bytes.size());
    return flash_.program(offset, bytes) && flash_.load(offset, held) && std::ranges::equal(held, bytes);
}

}  // namespace stetho
