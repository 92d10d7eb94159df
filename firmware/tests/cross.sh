#!/bin/sh
# Compiles core for the chips, with warnings as errors, and checks its size against a budget; compiles core, adapters
# and tasks as the image is optimised, and checks that a quarter of each task's stack is left in the worst case. Prints
# the tables of README.md; `cross.sh --write` writes them there. A frame of more than 1 KB is an error. link.sh links.
set -eu
cd "$(dirname "$0")/.."
out=build/cross
static_budget=256    # bytes of RAM that core takes by itself: next to nothing, memory is the caller's
object_budget=28672  # Device, Capture and Ring together
library=$(ls -d /usr/lib/arm-none-eabi/include/c++/* | tail -n 1)  # headers only
flags="-std=gnu++20 -ffunction-sections -fdata-sections -fno-exceptions -fno-rtti -fno-threadsafe-statics -I.
    -nostdinc++ -isystem $library -isystem $library/arm-none-eabi
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wframe-larger-than=1024 -Werror"
idf="-isystem esp_idf_stubs/6.0 -isystem esp_idf_stubs/5.5 -isystem esp_idf_stubs"

# Features of the S3's LX7 that clang's Xtensa knows; it has no name for the chip itself.
xtensa="--target=xtensa -isystem /usr/include/newlib"
for feature in windowed density loop mul16 mul32 mul32high div32 nsa sext minmax clamps fp bool threadptr s32c1i; do
    xtensa="$xtensa -Xclang -target-feature -Xclang +$feature"
done

# compile NAME COMMAND FILE...: compiles each file into $out/NAME.
compile() {
    name=$1 command=$2
    shift 2
    rm -rf "${out:?}/$name"
    mkdir -p "$out/$name"
    printf '%s\n' "$@" |
        xargs -P 2 -I{} sh -c "$command $(echo $flags) -c {} -o $out/$name/\$(basename {} .cpp).o"
}

# size_of NAME NM SYMBOL: prints the bytes of an object on that chip.
size_of() { echo $((0x$("$2" -S "$out/$1/footprint.o" | awk -v name="$3" '$4 == name { print $2 }'))); }

# sum_of SIZE PATTERN OBJECT...: prints the bytes of the sections whose names match. A linker keeps one copy of a template
# that several files use, so it is counted once; what is private to a file may have the same name in another.
sum_of() {
    "$1" -A $3 | awk -v pattern="$2" '$1 ~ pattern {
        if ($1 ~ /_Z/ && $1 !~ /_GLOBAL__N_/) { if (seen[$1]++) next }
        sum += $2
    } END { print sum + 0 }'
}

# row NAME TITLE SIZE NM FLASH_BUDGET: prints one row of the table; fails over a budget.
row() {
    code=$(ls "$out/$1"/*.o | grep -v footprint)
    flash=$(sum_of "$3" '^[.](text|s?rodata|literal)' "$code")
    static=$(sum_of "$3" '^[.]s?(data|bss)' "$code")
    device=$(size_of "$1" "$4" footprint_device)
    capture=$(size_of "$1" "$4" footprint_capture)
    printf '| %s | %d | %d | %d | %d |\n' "$2" "$flash" "$static" "$device" "$capture"
    if [ "$flash" -gt "$5" ] || [ "$static" -gt $static_budget ] ||
        [ $((device + capture)) -gt $object_budget ]; then
        echo "$2: over the budget of $5, $static_budget and $object_budget bytes" >&2
        exit 1
    fi
}

# image NUMBER: prints the sources of an image besides core, as main/CMakeLists.txt names them; 2: simulation, 3: board.
image() {
    lists=$(sed 's/#.*//' main/CMakeLists.txt | tr '\n' ' ' | grep -oE 'adapters +[a-z][a-z0-9_ ]*' | sed 's/adapters//')
    printf 'esp/%s.cpp ' $(echo "$lists" | sed -n "1p;$1p")
    echo main/*.cpp
}

# insert MARK FILE: replaces the rows of the table between two marks of README.md.
insert() { sed -i -e "/<!-- $1:/r $2" -e "/<!-- $1:/,/<!-- end of $1/{/^|/d}" README.md; }

xtensa="clang++-22 $xtensa"
riscv="riscv64-unknown-elf-g++ -march=rv32imc -mabi=ilp32 -specs=picolibc.specs"
graph="-O2 -fcallgraph-info=su"
compile xtensa "$xtensa -Os" core/*/*.cpp tests/footprint.cpp
compile riscv "$riscv -Os" core/*/*.cpp tests/footprint.cpp
compile stacks/core "$riscv $graph" core/*/*.cpp
for number in 2 3; do
    image=$([ $number = 2 ] && echo simulation || echo board)
    defines="-DCONFIG_STETHO_SIM=$((3 - number)) $idf"
    compile "xtensa-$image" "$xtensa -O2 $defines" $(image $number)
    compile "stacks/$image" "$riscv $graph $defines" $(image $number)
done
{
    echo "| core for | code and constants | static RAM | \`Device\` | \`Capture\` and \`RingBuffer\` |"
    echo "|---|--:|--:|--:|--:|"
    row xtensa "Xtensa LX7 (ESP32-S3), clang -Os" llvm-size-22 llvm-nm-22 163840
    row riscv "RV32IMC (ESP32-C3), GCC -Os" riscv64-unknown-elf-size riscv64-unknown-elf-nm 122880
} >"$out/table.md"
cat "$out/table.md"
python3 ../tests/firmware/stacks/stacks.py "$out/stacks" >"$out/stacks.md"
cat "$out/stacks.md"
if [ "${1:-}" = --write ]; then
    insert sizes "$out/table.md"
    insert stacks "$out/stacks.md"
fi
