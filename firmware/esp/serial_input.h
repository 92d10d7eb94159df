// Bytes that are typed on the serial console: on the UART, and on the USB of the chip where the console has it.
//
// Drivers with a ring buffer take what arrives, so that nothing is lost while a command runs; output stays with the
// console. Each port has its own bytes: what one types does not get into the line of the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stetho::esp {

class SerialInput {
  public:
    // Installs the drivers. False: there is no port, or no memory.
    bool begin();

    // Returns how many ports there are.
    std::size_t ports() const { return count_; }

    // Reads what a port has, waiting at most `within_ms` for `into` to be full. Returns the number of bytes.
    std::size_t read(std::size_t port, std::span<char> into, std::uint32_t within_ms);

  private:
    enum class Port : std::uint8_t { kUart, kUsb };

    Port ports_[2] = {};
    std::size_t count_ = 0;
};

}  // namespace stetho::esp
