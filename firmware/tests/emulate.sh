#!/bin/sh
# Builds the tests of core for two 32-bit chips and runs them in QEMU: RISC-V like an ESP32-C3 (picolibc), and, for
# those that need a complete C++ library, Arm (newlib). Semihosting gives them files of this machine and passes
# their exit codes.
set -eu
cd "$(dirname "$0")/.."
out=build/emulated
libraries=$(ls -d /usr/lib/arm-none-eabi/include/c++/* | tail -n 1)  # headers only; picolibc has no C++
flags="-std=c++20 -O1 -fno-exceptions -fno-rtti -fno-threadsafe-statics -Wall -Wextra -Werror -Wno-psabi"
flags="$flags -D_GLIBCXX_EXTERN_TEMPLATE=0 -DSTETHO_EMULATED -I. -Itests/emulated"
# Tests that need threads, compare files of pictures or play hours of sound run on the host only, in 32 bits too;
# those of the adapters need fakes of the framework.
tests=$(grep -L -e "#include <thread>" -e "#include <filesystem>" -e 'device_fixture.h"' tests/*/*_test.cpp |
    grep -v ^tests/adapters/)
trees=$(grep -l -e "#include <map>" -e "#include <set>" -e "#include <fstream>" -e 'fake_storage.h"' $tests)  # not only headers

# build NAME COMPILER FLAGS TESTS: compiles what is newer than its object; leaves the names in $objects.
build() {
    rm -rf "$out/$1/makefile" && mkdir -p "$out/$1"
    find "$out/$1" -name "*.d" ! -newer tests/emulate.sh -delete  # may name headers that have moved; all is built anew
    objects=""
    for source in core/*/*.cpp $4 tests/emulated/main.cpp posix/sh1106_emulator.cpp; do
        objects="$objects $out/$1/$(basename "$source" .cpp).o"
        echo "$out/$1/$(basename "$source" .cpp).o: $source tests/emulate.sh"
        printf '\t%s\n' "$2 $flags $3 -MMD -MP -DSTETHO_VECTORS='\"$(pwd)/../tests/vectors\"' \
            -DSTETHO_TESTS='\"$(pwd)/tests\"' -c \$< -o \$@"
    done >"$out/$1/makefile"
    echo "all: $objects" >>"$out/$1/makefile"
    echo "-include $out/$1/*.d" >>"$out/$1/makefile"
    make -s -k -j2 -f "$out/$1/makefile" all
}

riscv="-march=rv32imc -mabi=ilp32 -specs=picolibc.specs"
build riscv riscv64-unknown-elf-g++ "$riscv -nostdinc++ -isystem $libraries -isystem $libraries/arm-none-eabi" \
    "$(echo "$tests" | grep -v -x -F "$trees")"
riscv64-unknown-elf-gcc $riscv --oslib=semihost --crt0=hosted $objects -o "$out/riscv.elf" -lm \
    -Wl,--defsym=__flash=0x80000000 -Wl,--defsym=__flash_size=0x800000 \
    -Wl,--defsym=__ram=0x80800000 -Wl,--defsym=__ram_size=0x4000000
echo "RISC-V (rv32imc):"
timeout 300 qemu-system-riscv32 -machine virt -m 128M -bios none -semihosting -display none -monitor none \
    -serial none -kernel "$out/riscv.elf"

arm="-mcpu=cortex-a8 -marm"
build arm arm-none-eabi-g++ "$arm" "$trees"
arm-none-eabi-gcc $arm --specs=rdimon.specs $objects -o "$out/arm.elf" -lstdc++ -lm
echo "ARM (cortex-a8):"
timeout 300 qemu-system-arm -machine realview-pb-a8 -m 128M -semihosting -display none -monitor none \
    -serial none -audiodev none,id=none -kernel "$out/arm.elf"
