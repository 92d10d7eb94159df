"""Broker as docker-compose.yml runs it: the official image with our configuration, by testcontainers.

Without an engine or the image the same tests run on the local program; the end of the run says which.
"""

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from queue import Queue

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from broker import certificate, listener, mosquitto, program
from broker.account import Accounts, Credentials
from broker.directory import StateDirectory
from broker.mosquitto import Broker
from edge_worker.protocol import topics

DEADLINE_S = 10.0
# As in docker-compose.yml: a healthy broker refuses a client without credentials.
HEALTH = ["mosquitto_sub", "-h", "127.0.0.1", "-i", "health", "-t", "health", "-W", "3"]
NOT_AUTHORISED = 5


@dataclass(frozen=True)
class Running:
    """Address and accounts of the broker of these tests."""

    host: str
    tls_port: int
    ca: Path
    worker: Credentials
    device: Credentials


@contextmanager
def in_container(directory: Path) -> Iterator[Running]:
    """The official image, with the mounts and the command of docker-compose.yml."""
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - only where there is an engine
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415
    from testcontainers.core.wait_strategies import ExecWaitStrategy  # noqa: PLC0415

    testcontainers_config.ryuk_disabled = True  # it is one more image, and `with` ends the container
    state = StateDirectory(directory)
    accounts = Accounts(state)
    worker, device = accounts.add("worker"), accounts.add("device", "st-01")
    certificate.ensure(state.certificates, ["localhost", "127.0.0.1"])
    listener.write(state, listener.deployment_listeners(state))
    container = (
        DockerContainer(program.IMAGE)
        .with_command("sh /start_mosquitto mosquitto /mosquitto.conf")
        .with_kwargs(user=f"{os.getuid()}:{os.getgid()}", working_dir="/state")
        .with_volume_mapping(str(directory), "/state", "rw")
        .with_volume_mapping(str(mosquitto.CONFIGURATION), "/mosquitto.conf", "ro")
        .with_volume_mapping(str(program.START), "/start_mosquitto", "ro")
        .with_exposed_ports(listener.TLS.port)
        .waiting_for(ExecWaitStrategy(HEALTH, expected_exit_code=NOT_AUTHORISED))
    )
    with container:
        port = int(container.get_exposed_port(listener.TLS.port))
        yield Running("127.0.0.1", port, state.certificates / "ca.pem", worker, device)


@contextmanager
def in_process(directory: Path) -> Iterator[Running]:
    with Broker(directory, tls=True) as broker:
        assert broker.tls_port
        worker, device = broker.add_user("worker"), broker.add_user("device", "st-01")
        yield Running(broker.host, broker.tls_port, broker.ca_path, worker, device)


def container_obstacle() -> str | None:
    """Return why the image cannot be run here, or None."""
    docker = import_module("docker")  # comes with testcontainers; ships no types

    try:
        engine = docker.from_env()
    except docker.errors.DockerException:
        return "no container engine answers"
    try:
        engine.images.get(program.IMAGE)
    except docker.errors.ImageNotFound:
        try:
            engine.images.pull(program.IMAGE)
        except docker.errors.DockerException:
            return f"{program.IMAGE} cannot be pulled"
    return None


class SummaryLine:
    """Line at the end of the run that names the broker of these tests."""

    def __init__(self, text: str) -> None:
        self._text = text

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(f"tests/deploy/test_broker_container.py: the broker was {self._text}")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Running]:
    obstacle = container_obstacle()
    start, what = in_container, f"the container image {program.IMAGE}"
    if obstacle:
        start, what = in_process, f"the local {program.find_mosquitto()}, because {obstacle}"
    pytestconfig.pluginmanager.register(SummaryLine(what))
    with start(tmp_path_factory.mktemp("broker")) as place:
        yield place


@contextmanager
def client(running: Running, credentials: Credentials, ca: Path | None = None) -> Iterator[paho.Client]:
    """A client that is connected over TLS, verifying the host name."""
    accepted: Queue[bool] = Queue()
    made = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=credentials.username, reconnect_on_failure=False
    )
    made.username_pw_set(credentials.username, credentials.password)
    made.tls_set_context(ssl.create_default_context(cafile=str(ca or running.ca)))
    made.on_connect = lambda *given: accepted.put(not given[3].is_failure)
    made.connect(running.host, running.tls_port)
    made.loop_start()
    try:
        assert accepted.get(timeout=DEADLINE_S), "refused"
        yield made
    finally:
        made.disconnect()
        made.loop_stop()


def test_a_chunk_travels_from_a_device_to_the_worker(running: Running) -> None:
    subscribed = threading.Event()
    payloads: Queue[bytes] = Queue()
    with client(running, running.worker) as worker, client(running, running.device) as device:
        worker.on_subscribe = lambda *_: subscribed.set()
        worker.on_message = lambda *given: payloads.put(bytes(given[2].payload))
        worker.subscribe(topics.ALL_PCM, qos=1)
        assert subscribed.wait(DEADLINE_S)
        device.publish(topics.pcm("st-02"), b"forged", qos=1)
        device.publish(topics.pcm("st-01"), b"sound", qos=1)
        assert payloads.get(timeout=DEADLINE_S) == b"sound"


def test_a_wrong_password_is_refused(running: Running) -> None:
    with (
        pytest.raises(AssertionError, match="refused"),
        client(running, Credentials(running.device.username, "wrong")),
    ):
        pass


def test_a_server_of_another_ca_is_not_trusted(running: Running, tmp_path: Path) -> None:
    certificate.create_ca(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError), client(running, running.device, tmp_path / "ca.pem"):
        pass
