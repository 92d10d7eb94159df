"""Sites of docker-compose.yml that run on this machine, beside any other, and are removed at the end."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

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
_P = TypeVar("_P", bound="ComposeProject")


class ComposeProject:
    """Services of docker-compose.yml as a project of its own, with images and ports of its own."""

    images: ClassVar[dict[str, str]]
    """Service: the name of its image behind `stetho-edge/`."""
    provision: ClassVar[str]
    broker: ClassVar[str]
    api: ClassVar[str]

    def __init__(self, directory: Path, brokers: dict[str, list[int]], profile: str, *services: str) -> None:
        """Prepare `services` (none: all) of `profile`; `brokers`: what each publishes, MQTT first."""
        self.directory = directory
        self.project = f"stetho-test-{secrets.token_hex(4)}"
        ports = iter(free_ports(1 + sum(map(len, brokers.values()))))
        self._http_port = next(ports)
        published = {
            name: [f"127.0.0.1:{next(ports)}:{port}" for port in inside] for name, inside in brokers.items()
        }
        self.address = ",".join(f"localhost:{each[0].split(':')[1]}" for each in published.values())
        settings = {name: f"image: {self.image(name)}" for name in self.images}
        settings[self.api] += f", ports: !override ['127.0.0.1:{self._http_port}:8080']"
        settings |= {name: f"ports: !override {each}" for name, each in published.items()}
        override = directory / "override.yml"
        lines = [f"  {name}: {{{text}}}" for name, text in settings.items()]
        override.write_text("\n".join(["services:", *lines]) + "\n")
        files = ["docker-compose.yml", str(override)]
        self.compose = DockerCompose(
            ROOT, files, build=True, profiles=[profile], services=[*services] or None
        )
        self._key = ""
        self.password = directory / "st-01.password"
        self.ca = directory / "ca.pem"

    @classmethod
    def image(cls, service: str) -> str:
        """Return the name of the image of a service here; one that nobody runs a site with."""
        return f"stetho-edge-test/{cls.images[service]}"

    def run(self, *arguments: str) -> str:
        """Run `docker compose` with these arguments; return what it prints."""
        return _run([*self.compose.compose_command_property, *arguments])

    def prepare(self) -> None:
        """Do what the documents say after the start: a device, its CA, a key."""
        printed = self.run("run", "--rm", self.provision, "device", DEVICE)
        (password,) = (line.split()[1] for line in printed.splitlines() if line.startswith("  password"))
        self.password.write_text(password)
        self.run("cp", f"{self.broker}:/state/certificates/ca.pem", str(self.ca))
        add = ("key", "add", "ann", "--role", "admin")
        self._key = self.run("exec", "-T", self.api, "stetho", *add).strip()

    def containers(self, service: str) -> list[dict[str, Any]]:
        """Return what the engine knows of the containers of a service."""
        names = self.run("ps", "--all", "--quiet", service).split()
        return [dict(each) for each in json.loads(_run(["docker", "inspect", *names]))]

    def container(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of the container of a service, the first of several."""
        return self.containers(service)[0]

    def crash(self, service: str) -> None:
        """End the first process of a service as a bug would; after `docker kill` nothing restarts."""
        pid = self.container(service)["State"]["Pid"]
        kill = ["docker", "run", "--rm", "--pid", "host", "--user", "0", "--entrypoint", "sh"]
        _run([*kill, self.image(self.provision), "-c", f"kill -9 {pid}"])

    def rights(self, service: str) -> tuple[str, set[int], str, str]:
        """Return user, capabilities, whether it may gain more, and how its root is mounted, of a service."""
        read = 'cat /proc/1/status; while read -r line; do echo "mount:\t$line"; done </proc/mounts'
        lines = self.run("exec", "-T", service, "sh", "-c", read).splitlines()
        facts = [line.split(":\t", 1) for line in lines if ":\t" in line]
        status = dict(facts)
        capabilities = {int(status[each], 16) for each in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}
        (root,) = (mount.split() for name, mount in facts if name == "mount" and mount.split()[1] == "/")
        return status["Uid"], capabilities, status["NoNewPrivs"], root[3].split(",")[0]

    def wait_healthy(self, service: str) -> None:
        """Wait until a service answers its health check."""
        wait_until(lambda: self.health(service) == "healthy", f"{service} to be healthy", START_WITHIN_S)

    def health(self, service: str) -> str:
        """Return what the engine's health check says of a service that runs; empty where it does not."""
        state = self.container(service)["State"]
        return str(state["Health"]["Status"]) if state["Running"] else ""

    def send(self, file: Path, *options: str) -> subprocess.Popen[str]:
        """Begin to send a recording from outside, over MQTT with TLS; the process ends with its result."""
        place = ["--host", self.address, "--ca-file", str(self.ca)]
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


class ComposeSite(ComposeProject):
    """The site of one machine, with trainer and notifications."""

    images = IMAGES
    provision, broker, api = "provision", "broker", "history_api"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, {"broker": [8883, 8084]}, "trainer")

    def run(self, *arguments: str) -> str:
        """Run `docker compose` with these arguments; return what it prints."""
        return super().run("--profile", "notify", *arguments)

    def prepare(self) -> None:
        """Do what README and docs/notifications.md say after the start."""
        super().prepare()
        self.run("exec", "-T", "broker", "kill", "-HUP", "1")
        write = f"umask 077; mkdir -p /data/notify; echo '{RULES}' > /data/notify/rules.toml"
        self.run("exec", "-T", "edge_worker", "sh", "-c", write)
        self.run("up", "--detach", "--build", "--wait")


class ClusterSite(ComposeProject):
    """The profile `cluster`, started as docs/deployment.md says."""

    images: ClassVar = {
        "cluster_provision": "provision",
        "access": "provision",
        "cluster_worker1": "edge-worker",
        "cluster_worker2": "edge-worker",
        "cluster_api": "history-api",
    }
    provision, broker, api = "cluster_provision", "nats1", "cluster_api"

    def __init__(self, directory: Path) -> None:
        nodes = {name: [8883] for name in ("nats1", "nats2", "nats3")}
        super().__init__(directory, nodes, "cluster", "cluster_api")

    def worker_of_device(self) -> str:
        """Return the worker that has chunks of the device; empty where none has."""
        for name in ("cluster_worker1", "cluster_worker2"):
            if self.run("exec", "-T", name, "find", "/data/spool", "-name", f"{DEVICE}*").strip():
                return name
        return ""


def _run(command: list[str]) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def finish(sending: subprocess.Popen[str]) -> str:
    """Wait for the result of a recording; return the recording's id."""
    output, display = sending.communicate(timeout=150)
    assert sending.returncode == 0, display
    return str(json.loads(output.splitlines()[-1])["recording_id"])


def seconds(result: dict[str, Any]) -> float:
    """Return how much sound a result is of."""
    return float(result["audio"]["samples"] / result["audio"]["sample_rate"])


@contextmanager
def running(site: _P) -> Iterator[_P]:
    """Build the images, start the services, wait for their health; remove all but the images at the end."""
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
                site.run("rm", "--stop", "--force", "--volumes")
