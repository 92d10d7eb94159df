#!/bin/bash
# A container engine for tests where none answers: Docker and Compose of Debian 13 in a folder, nothing of which is
# installed into this machine. It needs root, debootstrap and Debian's packages; bridges and rules of the firewall that
# it makes are gone after `stop`.
# usage: engine.sh start FOLDER     prints what to evaluate: DOCKER_HOST, DOCKER_CONFIG
#        engine.sh stop FOLDER      ends it; what it built stays in FOLDER for the next time
set -euo pipefail

command=$1
folder=$(realpath -m "$2")
tests=$(dirname "$(realpath "$0")")
root=$folder/root

say() { echo "$*" >&2; }

make_root() {
    command -v debootstrap >/dev/null || { apt-get update -q && apt-get install -y -q debootstrap; } >&2
    say "making an engine of Debian 13 in $root, once"
    rm -rf "$root"
    debootstrap --variant=minbase --include=ca-certificates,docker.io,docker-cli,docker-buildx,docker-compose,iptables \
        trixie "$root" http://deb.debian.org/debian >"$folder/debootstrap.log" ||
        { tail -n 5 "$folder/debootstrap.log" >&2; return 1; }
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" # as pip trusts here
    touch "$folder/made"
}

# In a mount namespace of its own: a chroot alone would not do, as what the engine executes in a container finds the
# root of the namespace. The repository and /tmp are mounted where they are, for volumes of tests.
run_in_namespace() {
    cd "$root"
    mount --make-rprivate /
    mount --bind "$root" "$root"
    cd "$root"
    mount -t proc proc proc
    mount --rbind /sys sys
    mount --rbind /dev dev
    checkout=$(realpath "$tests/../..")
    for each in /tmp "$checkout"; do mkdir -p ".$each" && mount --rbind "$each" ".$each"; done
    mkdir -p old
    pivot_root . old
    cd /
    umount -l /old
    rm -f /run/docker.pid
    iptables-save >/run/firewall
    exec dockerd --host unix:///run/docker.sock --pidfile /run/docker.pid
}

start() {
    [ "$(id -u)" = 0 ] || { say "it takes root to make one"; return 1; }
    mkdir -p "$folder"
    [ ! -e "$folder/pid" ] || ! kill -0 "$(cat "$folder/pid")" 2>/dev/null || { say "one runs in $folder"; return 1; }
    [ -e "$folder/made" ] || make_root
    mkdir -p "$folder/docker"
    ln -sfn "$root/usr/libexec/docker/cli-plugins" "$folder/docker/cli-plugins"
    command -v docker >/dev/null || ln -sf "$root/usr/bin/docker" "$folder/docker/docker"
    setsid unshare --mount --propagation private "$tests/engine.sh" namespace "$folder" >"$folder/engine.log" 2>&1 &
    echo $! >"$folder/pid"
    for _ in $(seq 300); do
        [ -S "$root/run/docker.sock" ] && grep -q "API listen" "$folder/engine.log" && break
        kill -0 "$(cat "$folder/pid")" 2>/dev/null || { tail -n 3 "$folder/engine.log" >&2; return 1; }
        sleep 0.2
    done
    echo "export DOCKER_HOST=unix://$root/run/docker.sock DOCKER_CONFIG=$folder/docker PATH=$PATH:$folder/docker"
}

stop() {
    pid=$(cat "$folder/pid")
    kill "$pid" 2>/dev/null || return 0
    for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
    chroot "$root" iptables-restore /run/firewall || say "rules of the firewall are left"
    for bridge in docker0; do ip link delete "$bridge" 2>/dev/null || true; done
    rm -f "$folder/pid"
}

case $command in
    start) start ;;
    namespace) run_in_namespace ;;
    stop) stop ;;
    *) say "usage: engine.sh start|stop FOLDER"; exit 2 ;;
esac
