#!/bin/bash
# Make the images that docker-compose.yml and Dockerfile take from a registry, where none can be reached: Debian 12 with
# the Python and the Mosquitto of it, under the same names, so that all that is built upon them is tested.
# usage: base_image.sh IMAGE        python:3.11-slim or eclipse-mosquitto:2
set -euo pipefail

image=$1
docker image inspect "$image" >/dev/null 2>&1 && exit 0
docker pull --quiet "$image" 2>/dev/null && exit 0
echo "$image cannot be pulled; making one of Debian 12" >&2

python() {
    [ "$(id -u)" = 0 ] || { echo "it takes root to make one" >&2; return 1; }
    command -v debootstrap >/dev/null || { apt-get update -q && apt-get install -y -q debootstrap; } >&2
    root=$(mktemp -d)
    trap 'rm -rf "$root"' EXIT
    debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv \
        bookworm "$root" http://deb.debian.org/debian >"$root.log" || { tail -n 5 "$root.log" >&2; return 1; }
    rm -rf "$root.log" "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,info,locale}/*
    # As in the official image.
    rm -f "$root"/usr/lib/python3*/EXTERNALLY-MANAGED "$root/etc/apt/sources.list"
    ln -sf python3 "$root/usr/bin/python"
    cat >"$root/etc/apt/sources.list.d/debian.sources" <<EOF
Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
EOF
    # As this machine trusts.
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    tar -C "$root" -c . | docker import --change 'ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt' \
        --change 'CMD ["python3"]' - "$image" >/dev/null
}

# With the tools of busybox, as the official image, which is of Alpine.
mosquitto() {
    docker build --quiet --tag "$image" - >/dev/null <<EOF
FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends busybox mosquitto mosquitto-clients \
 && usermod --uid 1883 mosquitto && groupmod --gid 1883 mosquitto \
 && for each in sh date grep id kill mkdir mv rm sleep; do ln -s /bin/busybox /usr/local/bin/\$each; done
EOF
}

case $image in
    python:3.11-slim) python ;;
    eclipse-mosquitto:2) mosquitto ;;
    *) echo "unknown: $image" >&2; exit 2 ;;
esac
