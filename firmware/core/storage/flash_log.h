// Sectors of flash that hold records of numbered logs: what a record and a sector look like, and how they are
// written so that a power cut at any byte is noticed.
//
//   sector   16 bytes of header (magic, number of the log, place in the log, checksum), then records
//   record   16 bytes of header (type, size, value, number of the log, checksum), then at most 494 bytes
//
// A record that is not whole ends its sector; the log goes on in the next one. One task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/wire/bytes.h"
#include "hal/flash.h"

namespace stetho {

enum class RecordType : std::uint8_t {
    kInfo = 1,      // of the recording; the first record of a log
    kAudio = 2,     // samples from index `value` on
    kCaptured = 3,  // the capture time, once it is known
    kEnd = 4,       // the recording is over, and has `value` samples
};

struct Record {
    RecordType type = RecordType::kInfo;
    std::uint16_t size = 0;    // bytes of its body
    std::uint32_t value = 0;
    std::uint32_t offset = 0;  // of its body in flash
};

struct SectorHeader {
    std::uint32_t log = 0;    // the higher, the younger
    std::uint16_t place = 0;  // 0: the first sector of the log
};

class FlashLog {
  public:
    static constexpr std::uint32_t kSectorBytes = hal::kFlashSectorBytes;
    static constexpr std::uint32_t kHeaderBytes = 16;
    static constexpr std::uint32_t kMaxBodyBytes = 494;  // eight such records fill a sector

    explicit FlashLog(hal::Flash& flash) : flash_(flash) {}

    std::uint32_t sectors() const { return flash_.size() / kSectorBytes; }

    // Returns the header of a sector; nothing if it has none that is whole.
    std::optional<SectorHeader> read_header(std::uint32_t sector) const;
    // Starts a sector, which is blank. False: the flash does not hold what was written.
    bool write_header(std::uint32_t sector, const SectorHeader& header);
    // Makes the header of a sector invalid, for good.
    bool clear_header(std::uint32_t sector);

    // Returns whether nothing is written in the sector from `offset` on.
    bool is_blank(std::uint32_t sector, std::uint32_t offset = 0) const;
    // Erases a sector. False: it is not blank after that.
    bool erase(std::uint32_t sector);

    // Erases a sector, fills it, reads it, and erases it again: under a second. False: it does not hold what is written.
    bool check(std::uint32_t sector);

    // Reads the record of `log` at `offset` in `sector` and moves `offset` behind it. Nothing: the sector has no
    // more; then `offset` is where one can be written, kSectorBytes if nowhere.
    std::optional<Record> next(std::uint32_t sector, std::uint32_t log, std::uint32_t& offset) const;
    // Writes a record at `offset`, where there is room for it. False: the flash does not hold what was written.
    bool write(std::uint32_t sector, std::uint32_t log, std::uint32_t offset, RecordType type,
               std::uint32_t value, Bytes body);
    // Copies bytes of a record's body, from its byte `from` on.
    bool read_body(const Record& record, std::uint32_t from, WritableBytes out) const {
        return flash_.load(record.offset + from, out);
    }

  private:
    bool write_checked(std::uint32_t offset, Bytes bytes);

    hal::Flash& flash_;
};

}  // namespace stetho
