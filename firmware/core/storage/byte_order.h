// Numbers in memory that is not aligned, little endian. Any thread.
#pragma once

#include <cstddef>
#include <cstring>

#include "core/wire/bytes.h"

namespace stetho {

// Returns the number at byte `at`.
template <class T>
T get(Bytes bytes, std::size_t at) {
    T number{};
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

// Writes `number` at byte `at`.
template <class T>
void put(WritableBytes bytes, std::size_t at, T number) {
    std::memcpy(bytes.data() + at, &number, sizeof number);
}

}  // namespace stetho
