#!/bin/sh
# Finds the tools that build the firmware, or installs them with apt: for the Linux program (no argument), or for its
# tests as well (`all`: clang with sanitizers, compilers and emulators of 32-bit chips). It prints what is not
# available; tests that need it are skipped, visibly.
set -eu

PROGRAM="g++-12 cmake ninja mosquitto.h openssl"
TESTS="curl clang++-22 llvm-size-22 sanitizers doctest -m32 riscv64-unknown-elf-g++ picolibc qemu-system-riscv32 arm-none-eabi-g++ newlib
 qemu-system-arm xtensa-lx106-elf-ld llvm-mc-22 fonts"

say() { echo "firmware/install.sh: $*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# Run a command that says a lot; show the end of it if it fails.
quietly() {
    said=$(mktemp)
    "$@" > "$said" 2>&1 && status=0 || status=$?
    [ "$status" = 0 ] || tail -n 12 "$said" >&2
    rm -f "$said"
    return "$status"
}

may_become_root() {
    # Without a terminal nobody can type a password, so only a sudo that asks for none will do.
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

compiles() { echo 'int main() { return 0; }' | "$@" -x c++ - -o /dev/null 2>/dev/null; }

is_here() {
    case $1 in
        mosquitto.h) [ -e /usr/include/mosquitto.h ] ;;
        openssl) [ -e /usr/include/openssl/ssl.h ] ;;
        doctest) [ -e /usr/include/doctest/doctest.h ] ;;
        sanitizers) compiles clang++-22 -fsanitize=address,fuzzer-no-link ;;
        -m32) compiles g++-12 -m32 -std=c++20 -include atomic ;; # needs headers of the kernel as well
        picolibc) [ -d /usr/lib/picolibc/riscv64-unknown-elf ] ;;
        fonts) [ -e /usr/share/fonts/X11/misc/6x9.pcf.gz ] ;;
        newlib) [ -d /usr/lib/arm-none-eabi/newlib ] || [ -d /usr/lib/arm-none-eabi/lib ] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

package_of() {
    case $1 in
        g++-12) echo g++-12 ;;
        cmake) echo cmake ;;
        ninja) echo ninja-build ;;
        mosquitto.h) echo libmosquitto-dev ;;
        curl) echo curl ;;
        openssl) echo libssl-dev ;;
        clang++-22) echo clang-22 ;;
        llvm-size-22 | llvm-mc-22) echo llvm-22 ;;
        sanitizers) echo libclang-rt-22-dev ;;
        doctest) echo doctest-dev ;;
        -m32) echo g++-12-multilib gcc-multilib ;;
        riscv64-unknown-elf-g++) echo gcc-riscv64-unknown-elf ;;
        picolibc) echo picolibc-riscv64-unknown-elf ;;
        qemu-system-riscv32) echo qemu-system-misc ;;
        arm-none-eabi-g++) echo gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib ;;
        newlib) echo libnewlib-arm-none-eabi ;;
        qemu-system-arm) echo qemu-system-arm ;;
        xtensa-lx106-elf-ld) echo binutils-xtensa-lx106 ;;
        fonts) echo xfonts-base ;;
    esac
}

missing() {
    for each in $WANTED; do is_here "$each" || echo "$each"; done
}

install_with_apt() {
    command -v apt-get >/dev/null && may_become_root || return 1
    quietly as_root apt-get update || say "apt-get update failed; trying with the lists that are there"
    # One by one: a distribution that lacks one package has the others.
    for each in $(missing); do
        say "installing $(package_of "$each") with apt-get"
        # shellcheck disable=SC2046 # two packages are two words
        quietly as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install --yes --no-install-recommends $(package_of "$each") || true
    done
}

WANTED=$PROGRAM
[ "${1:-}" != all ] || WANTED="$PROGRAM $TESTS"
[ -n "$(missing)" ] || exit 0
install_with_apt || true
left=$(missing | tr '\n' ' ')
[ -z "$left" ] || say "not available here: $left; parts of the firmware that need them are SKIPPED"
