#!/bin/sh
# Finds Chromium, ffmpeg, curl and a font of Chinese, or installs them with apt (and what the driver of the browser links
# to); tests that need them are skipped where they cannot be had.
set -eu

say() { echo "tests/install_chromium.sh: $*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

may_become_root() {
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

install_with_apt() {
    command -v apt-get >/dev/null && may_become_root || return 1
    say "installing chromium, ffmpeg, curl and fonts-droid-fallback with apt-get"
    as_root apt-get update --quiet=2 >&2 || say "apt-get update failed; trying with the lists that are there"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet=2 --yes --no-install-recommends \
        chromium ffmpeg curl fonts-droid-fallback libatomic1 libstdc++6 >&2
}

font=/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf
command -v chromium >/dev/null && command -v ffmpeg >/dev/null && command -v curl >/dev/null && [ -e $font ] && exit 0
install_with_apt || say "chromium or ffmpeg cannot be had here; tests of pages in a browser or of m4a are SKIPPED"
