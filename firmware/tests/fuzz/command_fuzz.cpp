// Fuzz target of the command reader: a command that is accepted is within its limits.
#include <cstdlib>

#include "core/wire/command_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto command = stetho::read_command({data, size});
    if (!command) return 0;
    if (command->length_ms && (*command->length_ms < 100 || *command->length_ms > 3'600'000)) std::abort();
    if (command->type == stetho::CommandType::kUnknown && command->id.empty()) std::abort();
    const bool is_update = command->type == stetho::CommandType::kUpdate;
    if (is_update && !command->url.view().starts_with("https://")) std::abort();
    return 0;
}
