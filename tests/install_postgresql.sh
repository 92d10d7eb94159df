#!/bin/sh
# Finds PostgreSQL, or installs it with apt; tests on it are skipped where it cannot be had. A service that the package
# starts is stopped: tests start a server of their own.
set -eu

say() { echo "tests/install_postgresql.sh: $*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

may_become_root() {
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }
}

is_here() {
    command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1
}

install_with_apt() {
    command -v apt-get >/dev/null && may_become_root || return 1
    say "installing postgresql with apt-get"
    as_root apt-get update --quiet=2 >&2 || say "apt-get update failed; trying with the lists that are there"
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install --quiet=2 --yes --no-install-recommends postgresql >&2 || return 1
    if [ -d /run/systemd/system ]; then
        as_root systemctl disable --quiet --now postgresql
    else
        as_root service postgresql stop >/dev/null 2>&1 || true
        as_root update-rc.d postgresql disable >/dev/null 2>&1 || true
    fi
}

is_here || { install_with_apt && is_here; } || say "PostgreSQL cannot be had here; tests on it are SKIPPED"
