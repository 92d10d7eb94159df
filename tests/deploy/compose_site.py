"""A site of docker-compose.yml that runs on this machine, beside any other, and is removed at the end."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from conftest import wait_until
from testcontainers.compose import DockerCompose

from broker.mosquitto import free_ports

ROOT: Final = Path(__file__).parents[2]
IMAGES: Final = {
    "provision": "provision",
    "edge_worker": "edge-worker",
    "history_api": "history-api",
    "notify": "notify",
    "trainer": "trainer",
}
"""Service: the name of its image behind `stetho-edge/`."""
RULES: Final = """
[receivers]
phone = "json://127.0.0.1:9/"

[[rule]]
name = "murmurs"
on = "sound"
labels = ["murmur"]
send_to = ["phone"]
"""
DEVICE: Final = "st-01"
START_WITHIN_S: Final = 120.0


class ComposeSite:
    """Services of docker-compose.yml as a project of its own, with images and ports of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.mqtt_port, self._http_port, websocket_port = free_ports(3)
        self.project = f"stetho-test-{secrets.token_hex(4)}"
        services: dict[str, str] = {name: f"image: {self.image(name)}" for name in IMAGES}
        services["history_api"] += f", ports: !override ['127.0.0.1:{self._http_port}:8080']"
        broker = [f"127.0.0.1:{self.mqtt_port}:8883", f"127.0.0.1:{websocket_port}:8084"]
        services["broker"] = f"ports: !override {broker}"
        override = directory / "override.yml"
        lines = [f"  {name}: {{{text}}}" for name, text in services.items()]
        override.write_text("\n".join(["services:", *lines]) + "\n")
        self.compose = DockerCompose(
            ROOT, ["docker-compose.yml", str(override)], build=True, profiles=["trainer"]
        )
        self._key = ""
        self.password = directory / "st-01.password"
        self.ca = directory / "ca.pem"

    @staticmethod
    def image(service: str) -> str:
        """Return the name of the image of a service here; one that nobody runs a site with."""
        return f"stetho-edge-test/{IMAGES[service]}"

    def run(self, *arguments: str) -> str:
        """Run `docker compose` with these arguments; return what it prints."""
        return _run([*self.compose.compose_command_property, "--profile", "notify", *arguments])

    def prepare(self) -> None:
        """Do what README and docs/notifications.md say after the start: a device, its CA, a key, rules."""
        printed = self.run("run", "--rm", "provision", "device", DEVICE)
        (password,) = (line.split()[1] for line in printed.splitlines() if line.startswith("  password"))
        self.password.write_text(password)
        self.run("exec", "-T", "broker", "kill", "-HUP", "1")
        self.run("cp", "broker:/state/certificates/ca.pem", str(self.ca))
        add = ("key", "add", "ann", "--role", "admin")
        self._key = self.run("exec", "-T", "history_api", "stetho", *add).strip()
        write = f"umask 077; mkdir -p /data/notify; echo '{RULES}' > /data/notify/rules.toml"
        self.run("exec", "-T", "edge_worker", "sh", "-c", write)
        self.run("up", "--detach", "--build", "--wait")

    def container(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of the container of a service."""
        (name,) = self.run("ps", "--all", "--quiet", service).split()
        (inspected,) = json.loads(_run(["docker", "inspect", name]))
        return dict(inspected)

    def crash(self, service: str) -> None:
        """End the first process of a service as a bug would; after `docker kill` nothing restarts."""
        pid = self.container(service)["State"]["Pid"]
        kill = ["docker", "run", "--rm", "--pid", "host", "--user", "0", "--entrypoint", "sh"]
        _run([*kill, self.image("edge_worker"), "-c", f"kill -9 {pid}"])

    def wait_healthy(self, service: str) -> None:
        """Wait until a service answers its health check."""
        wait_until(lambda: self.health(service) == "healthy", f"{service} to be healthy", START_WITHIN_S)

    def health(self, service: str) -> str:
        """Return what the engine's health check says of a service that runs; empty where it does not."""
        state = self.container(service)["State"]
        return str(state["Health"]["Status"]) if state["Running"] else ""

    def send(self, file: Path, *options: str) -> subprocess.Popen[str]:
        """Begin to send a recording from outside, over MQTT with TLS; the process ends with its result."""
        place = ["--host", "localhost", "--port", str(self.mqtt_port), "--ca-file", str(self.ca)]
        account = ["--device", DEVICE, "--password-file", str(self.password), "--timeout", "100"]
        command = [sys.executable, "-m", "simulator", "send", str(file), *place, *account, *options]
        return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def get(self, path: str) -> requests.Response:
        """Get something of the history API, as ann."""
        url = f"http://127.0.0.1:{self._http_port}{path}"
        return requests.get(url, headers={"X-API-Key": self._key}, timeout=60)

    def upload(self, path: str, file: Path) -> requests.Response:
        """Post a file to the history API, as ann."""
        url = f"http://127.0.0.1:{self._http_port}{path}"
        with file.open("rb") as opened:
            files = {"file": (file.name, opened)}
            return requests.post(url, headers={"X-API-Key": self._key}, files=files, timeout=60)

    def results(self) -> dict[str, dict[str, Any]]:
        """Return all results by the id of their recording; each has one."""
        items = self.get("/api/v1/results?limit=100").json()["items"]
        found = {item["recording_id"]: item for item in items}
        assert len(found) == len(items)
        return found


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@contextmanager
def running_site(directory: Path) -> Iterator[ComposeSite]:
    """Build the images, start all services, wait for their health; remove all but the images at the end."""
    site = ComposeSite(directory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPOSE_PROJECT_NAME", site.project)
        patch.setenv("STETHO_BROKER_HOSTS", "localhost 127.0.0.1")
        patch.delenv("STETHO_DATABASE_URL", raising=False)
        patch.setenv("PWD", os.fspath(ROOT))
        with site.compose:
            try:
                site.prepare()
                yield site
            finally:
                site.run("rm", "--stop", "--force", "notify")
