// The last crash, as ESP-IDF kept it in flash (partition "coredump"): which task, where, and why. It stays there
// until the next one; `idf.py coredump-info` reads all of it.
#pragma once

#include <string_view>

#include "core/wire/fixed_string.h"

namespace stetho::esp {

class CoreDump {
  public:
    // Reads it. Call it once, at the start.
    void begin();

    // Returns the task and the address of the instruction, such as "capture at 0x42012345"; empty: no crash yet.
    std::string_view summary() const { return summary_; }

    // Prints it on the console, with the calls that led there. idf.py monitor names the functions.
    void print() const;

  private:
    FixedString<48> summary_;
    FixedString<120> reason_;
    FixedString<190> calls_;  // 16 addresses
};

}  // namespace stetho::esp
