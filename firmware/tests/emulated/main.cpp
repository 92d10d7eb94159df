// Runs every test case on the chip, and defines what is missing from its C++ library.
#include <cstdio>
#include <cstdlib>
#include <new>

#include "doctest/doctest.h"

#ifdef __riscv

// The tests, not core, allocate memory; without exceptions a test that gets none ends.
void* operator new(std::size_t size) {
    void* memory = std::malloc(size);
    if (memory == nullptr) std::abort();
    return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace std {
void __throw_length_error(const char*) { abort(); }
void __throw_logic_error(const char*) { abort(); }
void __throw_bad_alloc() { abort(); }
void __throw_bad_array_new_length() { abort(); }
void __throw_out_of_range(const char*) { abort(); }
void __throw_out_of_range_fmt(const char*, ...) { abort(); }
void __throw_bad_optional_access() { abort(); }
void __throw_bad_function_call() { abort(); }
}  // namespace std

#else

// Seed of std::random_device, which is linked and never called.
extern "C" int getentropy(void*, std::size_t) { return -1; }

#endif

int main() {
    unsigned cases = 0;
    for (const emulated::Case* test = emulated::Case::first; test != nullptr; test = test->next, ++cases) {
        const unsigned before = emulated::Case::failures;
        test->run();
        if (emulated::Case::failures != before) std::printf("FAILED: %s\n", test->name);
    }
    std::printf("%u cases, %u checks, %u failures\n", cases, emulated::Case::checks,
                emulated::Case::failures);
    return emulated::Case::failures == 0 && cases != 0 ? 0 : 1;
}
