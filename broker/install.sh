#!/bin/sh
# Find Mosquitto, or install it with apt, Homebrew, or as a container image if a Docker engine answers.
# A service that the package starts is stopped: the project starts its own broker, with its own configuration.
set -eu

IMAGE=${STETHO_MOSQUITTO_IMAGE:-eclipse-mosquitto:2}
PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin:/usr/local/opt/mosquitto/sbin

say() { echo "broker/install.sh: $*" >&2; }

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
    # Without a terminal no password can be typed, so only a sudo without a password will do.
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

stop_service() {
    if [ -d /run/systemd/system ]; then
        as_root systemctl disable --quiet --now mosquitto
    else
        as_root service mosquitto stop >/dev/null 2>&1 || true
        as_root update-rc.d mosquitto disable >/dev/null 2>&1 || true
    fi
}

install_with_apt() {
    command -v apt-get >/dev/null && may_become_root || return 1
    say "installing mosquitto with apt-get"
    quietly as_root apt-get update || say "apt-get update failed; trying with the lists that are there"
    quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends mosquitto || return 1
    stop_service
}

install_with_brew() {
    command -v brew >/dev/null || return 1
    say "installing mosquitto with brew"
    brew install --quiet mosquitto >&2
}

use_container() {
    command -v docker >/dev/null && docker info >/dev/null 2>&1 || return 1
    docker image inspect "$IMAGE" >/dev/null 2>&1 || docker pull --quiet "$IMAGE" >&2 || return 1
    say "mosquitto will run in a container ($IMAGE)"
}

if [ -n "${STETHO_MOSQUITTO:-}" ]; then
    command -v "$STETHO_MOSQUITTO" >/dev/null && exit 0
    say "STETHO_MOSQUITTO is '$STETHO_MOSQUITTO', which is not a program that can be run"
    exit 2
fi
command -v mosquitto >/dev/null && exit 0
install_with_apt || install_with_brew || use_container && exit 0
say "mosquitto cannot be installed here: there is no apt-get with root rights, no brew and no Docker engine;" \
    "install it (https://mosquitto.org/download), or name its program in STETHO_MOSQUITTO"
exit 2
