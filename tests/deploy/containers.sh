#!/bin/bash
# Build all images and test them as a site that runs, by docker-compose.yml; on the engine that answers here, or on one
# that is made for it (engine.sh). Without any it says SKIPPED.
# usage: containers.sh [arguments of pytest]
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! docker version >/dev/null 2>&1 || ! docker compose version >/dev/null 2>&1; then
    trap 'tests/deploy/engine.sh stop build/engine' EXIT
    settings=$(tests/deploy/engine.sh start build/engine) || {
        trap - EXIT
        echo "SKIPPED: containers: no engine with Docker Compose answers here, and none can be started"
        exit 0
    }
    eval "$settings"
fi
docker version --format 'Docker Engine {{.Server.Version}}'
docker compose version
for image in python:3.11-slim eclipse-mosquitto:2 nats:2-alpine postgres:17 versity/versitygw:v1.8.0; do tests/deploy/base_image.sh "$image"; done
STETHO_CONTAINERS=1 .venv/bin/python -m pytest -p no:cacheprovider tests/deploy/test_containers.py tests/deploy/test_cluster_containers.py tests/deploy/test_broker_container.py "$@"
