#!/bin/sh
# Links core, adapters and tasks, as the board has them, for the ESP32-S3: a name that nothing defines is an error, and so
# is an image over its budget. What ESP-IDF defines is known from our stubs of it, what the compiler's own libraries define
# from link/runtime.txt; both stand at address 0. The map is build/link/board.map.
#
# Debian's linker for Xtensa is made for an older chip: it need not know the S3's instructions, since clang loads each
# address with l32r from a literal, which both have. Prints the table of README.md; `link.sh --write` writes it there.
# Further arguments are sources that are linked, too.
set -eu
cd "$(dirname "$0")/.."
out=build/link
flash_budget=196608 # bytes of core, adapters and tasks in flash
ram_budget=65536    # bytes of memory that they take before the first allocation
library=$(ls -d /usr/lib/arm-none-eabi/include/c++/* | tail -n 1)  # headers only
flags="-std=gnu++20 -Os -ffunction-sections -fdata-sections -fno-exceptions -fno-rtti -fno-threadsafe-statics -I.
    -isystem esp_idf_stubs/6.0 -isystem esp_idf_stubs/5.5 -isystem esp_idf_stubs
    -nostdinc++ -isystem $library -isystem $library/arm-none-eabi"
features=+windowed,+density,+loop,+mul16,+mul32,+mul32high,+div32,+nsa,+sext,+minmax,+clamps,+fp,+bool,+threadptr,+s32c1i
xtensa="--target=xtensa -isystem /usr/include/newlib $(echo $features | sed 's/[+][a-z0-9]*,*/ -Xclang -target-feature -Xclang &/g; s/,//g')"

more=$(printf '%s\n' "$@" | grep -v '^--' || true)
rm -rf "$out"
mkdir -p "$out"
lists=$(sed 's/#.*//' main/CMakeLists.txt | tr '\n' ' ' | grep -oE 'adapters +[a-z][a-z0-9_ ]*' | sed 's/adapters//')
# The first list is of both builds, the second of the simulation, the third of the board.
adapters=$(printf 'esp/%s.cpp ' $(echo "$lists" | sed -n '1p;3p'))
# clang puts the literals of a function behind the one before it, wherever that is: here they get a section of their own.
cat >"$out/compile" <<'END'
set -eu
object=$1/$(basename "$2" .cpp)
clang++-22 $3 -S "$2" -o - | sed -e 's/^\t\.literal_position$/\t.section .literal,"ax",@progbits\n\t.p2align 2/' \
    -e 's/^\t\.literal \([^,]*\), /\1: .long /' >"$object.s"
llvm-mc-22 -triple=xtensa -mattr="$4" -filetype=obj "$object.s" -o "$object.o"
END
printf '%s\n' core/*/*.cpp main/*.cpp $adapters $more | xargs -P 2 -I{} sh "$out/compile" "$out" {} "$(echo $xtensa $flags)" $features

names() { llvm-nm-22 --quiet --just-symbol-name "$@" "$out"/*.o | sed '/:$/d; /^$/d' | sort -u; }
names --defined-only >"$out/defined"
names --undefined-only | comm -23 - "$out/defined" >"$out/outer"
{
    grep -rhoE '[A-Za-z_][A-Za-z0-9_]*\(' esp_idf_stubs | tr -d '('
    grep -rhoE 'DECLARE_BASE\([A-Z_]+' esp_idf_stubs | sed 's/.*(//'
    cat tests/link/runtime.txt
} | sort -u >"$out/elsewhere"
missing=$(comm -23 "$out/outer" "$out/elsewhere")
if [ -n "$missing" ]; then
    echo "defined nowhere:" $missing >&2
    exit 1
fi
xtensa-lx106-elf-ld --no-relax --gc-sections --fatal-warnings -T tests/link/esp32s3.ld -Map "$out/board.map" \
    $(sed 's/.*/--defsym=&=0/' "$out/outer") "$out"/*.o -o "$out/board.elf"

size_of() { llvm-size-22 -A "$out/board.elf" | awk -v name="$1" '$1 == name { sum = $2 } END { print sum + 0 }'; }
flash=$(($(size_of .code) + $(size_of .const) + $(size_of .data)))
ram=$(($(size_of .data) + $(size_of .bss)))
{
    echo "| linked for | code | constants | in flash | static RAM |"
    echo "|---|--:|--:|--:|--:|"
    echo "| ESP32-S3, all but ESP-IDF | $(size_of .code) | $(size_of .const) | $flash | $ram |"
} >"$out/table.md"
cat "$out/table.md"
if [ "$flash" -gt $flash_budget ] || [ "$ram" -gt $ram_budget ]; then
    echo "over the budget of $flash_budget bytes of flash and $ram_budget of RAM" >&2
    exit 1
fi
if [ "${1:-}" = --write ]; then
    sed -i -e "/<!-- linked:/r $out/table.md" -e '/<!-- linked:/,/<!-- end of linked/{/^|/d}' README.md
fi
