// Reader of an operator's commands on `down/command` (docs/protocol.md, "Topics"). Any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "core/wire/bytes.h"
#include "core/wire/fixed_string.h"

namespace stetho {

enum class CommandType : std::uint8_t { kRecord, kStop, kRestart, kIdentify, kUpdate, kUnknown };

struct Command {
    CommandType type = CommandType::kIdentify;
    FixedString<36> id;  // of the request; empty: none was given
    std::optional<std::uint32_t>
        length_ms;         // record: `args.seconds`, 0.1 to 3600; nothing: as set in the device
    FixedString<160> url;  // update: `args.url` of the image, always https://
    bool stream = false;   // record: `args.stream`, until stopped
    std::optional<std::int64_t> expires_s;  // Unix time after which it is not obeyed
};

// Returns the command in `payload`; nothing if it is malformed. One that is unknown, as an update without a
// complete https:// address, is `kUnknown` where it has an id, so that it can be answered, and else nothing.
std::optional<Command> read_command(Bytes payload);

}  // namespace stetho
