"""Network loop of the connection, with a real broker; its wait for sockets, also beyond those of select()."""

import contextlib
import fcntl
import resource
import socket
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import Client

from broker.mosquitto import Broker
from edge_worker.mqtt import connection as connection_module
from edge_worker.mqtt import socket_wait
from edge_worker.mqtt.connection import _FEW, _GATHER_S, _IDLE_LOOP_S, _LOOP_S, _SOON_S, Connection
from edge_worker.mqtt.inbound import Inbound
from edge_worker.mqtt.session import MESSAGES_PER_READ
from edge_worker.protocol import topics
from edge_worker.settings import Settings

_WITHIN_S = 30.0
_BEYOND_SELECT = 1_024


class MessageRecorder:
    """Listener that acknowledges each message and stores its payload."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.payloads: list[bytes] = []
        self.is_connected = False

    def on_connected(self) -> None:
        self.is_connected = True

    def on_disconnected(self) -> None:
        self.is_connected = False

    def on_message(self, message: Inbound) -> None:
        assert self.connection is not None
        self.payloads.append(message.payload)
        self.connection.ack(message)

    def on_published(self, number: int) -> None:
        """This test publishes nothing on this connection."""


def _loop_until(connection: Connection, is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN_S
    while not is_done():
        assert time.monotonic() < deadline
        connection.loop()


@contextlib.contextmanager
def _connected(directory: Path) -> Iterator[tuple[Connection, MessageRecorder, Callable[[bytes], None]]]:
    """Yield a connection that is subscribed to the chunks of a device, and what publishes one."""
    with Broker(directory) as broker:
        worker, device = broker.add_user("worker"), broker.add_user("device", "st-01")
        settings = Settings(
            mqtt_host=broker.host,
            mqtt_port=broker.port,
            mqtt_username=worker.username,
            mqtt_password=worker.password,
        )
        recorder = MessageRecorder()
        connection = recorder.connection = Connection(settings, [topics.ALL_PCM], None, recorder)
        _loop_until(connection, lambda: recorder.is_connected)
        with Client(broker, device) as sender:

            def is_subscribed() -> bool:
                sender.publish(topics.pcm("st-01"), b"subscribed?")
                return bool(recorder.payloads)

            _loop_until(connection, is_subscribed)
            yield connection, recorder, lambda payload: sender.publish(topics.pcm("st-01"), payload)
        connection.close(1.0)


def test_a_flood_is_read_in_order_and_in_batches(tmp_path: Path) -> None:
    with _connected(tmp_path) as (connection, recorder, publish):
        sent = [b"%03d" % number for number in range(20 * MESSAGES_PER_READ)]
        for payload in sent:
            publish(payload)
        counts = [0]

        def all_arrived() -> bool:
            counts.append(len(recorder.payloads))
            return sent[-1] in recorder.payloads

        _loop_until(connection, all_arrived)
    assert [each for each in recorder.payloads if each != b"subscribed?"] == sent
    assert max(after - before for before, after in pairwise(counts)) == MESSAGES_PER_READ


class _Gathering:
    """The clock and the waits of a connection while it gathers; what `during` does happens meanwhile.

    `before_poll` happens when it is over, before everything is waited for.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        self.waits: list[float] = []
        self.during: Callable[[], None] = lambda: None
        self.before_poll: Callable[[], None] = lambda: None
        self.polled: tuple[list[socket.socket], float] = ([], 0.0)
        """What the last wait for everything found, and how long it would have waited."""
        self._wait = socket_wait.wait
        clock = SimpleNamespace(monotonic=lambda: self.now, sleep=self.waits.append)
        monkeypatch.setattr(connection_module, "time", clock)
        monkeypatch.setattr(socket_wait, "wait", self.wait)

    def wait(
        self, readers: list[socket.socket], writers: list[socket.socket], timeout_s: float
    ) -> tuple[list[socket.socket], list[socket.socket]]:
        """Note for how long only a call of `wake` is waited for."""
        if len(readers) > 1:
            self.before_poll()
            polled = self._wait(readers, writers, timeout_s)
            self.polled = (polled[0], timeout_s)
            return polled
        self.during()
        found = self._wait(readers, writers, 0)
        self.waits += [] if found[0] else [timeout_s]
        return found

    def ended_at_once(self) -> bool:
        """Return whether the last wait for everything found something, or was none."""
        found, timeout_s = self.polled
        return bool(found) or not timeout_s


def test_what_follows_a_few_messages_is_gathered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _connected(tmp_path) as (connection, recorder, publish):
        gathering = _Gathering(monkeypatch)
        for count, longest_s in ((3, _GATHER_S), (3, _SOON_S), (3, 0.0), (2 * _FEW, _GATHER_S)):
            connection.is_prompt, connection.gathers = longest_s == _SOON_S, longest_s > 0
            gathering.now += 1
            before = len(recorder.payloads)
            for number in range(count):
                publish(b"%d" % number)
            _loop_until(connection, lambda known=before: len(recorder.payloads) > known)  # type: ignore[misc]
            received = len(recorder.payloads) - before
            gathering.waits.clear()
            connection.loop()
            assert sum(gathering.waits) == pytest.approx(longest_s if received < _FEW else 0)
            gathering.now += 1
            gathering.waits.clear()
            connection.loop()
            assert not gathering.waits  # whoever comes after a while is not kept waiting
            _loop_until(connection, lambda end=before + count: len(recorder.payloads) >= end)  # type: ignore[misc]


def test_who_wakes_waits_for_a_part_of_what_is_gathered_or_for_all_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _connected(tmp_path) as (connection, recorder, publish):
        gathering = _Gathering(monkeypatch)
        for during, waited_s in ((connection.wake, _SOON_S), (connection.wake_soon, _GATHER_S)):
            gathering.now += 1
            known = len(recorder.payloads)
            publish(b"sound")
            _loop_until(connection, lambda known=known: len(recorder.payloads) > known)  # type: ignore[misc]
            gathering.waits.clear()
            gathering.during = during
            connection.loop()
            gathering.during = lambda: None
            assert sum(gathering.waits) == pytest.approx(waited_s)
            assert gathering.ended_at_once()


def test_who_wakes_while_nothing_is_gathered_is_not_kept_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _connected(tmp_path) as (connection, _recorder, _publish):
        while not connection.loop():  # until a turn in which nothing came
            pass
        gathering = _Gathering(monkeypatch)
        for is_idle, longest_s in ((False, _LOOP_S), (True, _IDLE_LOOP_S)):
            for wake in (connection.wake, connection.wake_soon):
                gathering.now += 1
                gathering.before_poll = wake
                connection.loop(is_idle=is_idle)
                assert gathering.polled[1] == longest_s
                assert gathering.ended_at_once()


def test_the_more_comes_the_shorter_is_gathered(tmp_path: Path) -> None:
    with _connected(tmp_path) as (connection, _recorder, _publish):
        now, received = time.monotonic() + 1, 10_000_000
        connection._gather(now, received)
        for per_s, gather_s in ((1_000_000, _GATHER_S), (2**17 * 100, 0.01), (2**17 * 1000, 0.001)):
            now, received = now + 0.1, received + per_s // 10
            connection._gather(now, received)
            assert connection._gather_until - now == pytest.approx(gather_s)


def test_time_in_which_it_does_not_wait_for_messages_is_busy(tmp_path: Path) -> None:
    with _connected(tmp_path) as (connection, _recorder, _publish):
        began = time.monotonic()
        connection.busy_s(began)
        while not connection.loop():  # until a turn in which nothing came
            assert time.monotonic() < began + _WITHIN_S
        connection.loop()
        ended = time.monotonic()
        idle_s = ended - began - connection.busy_s(ended)
        assert idle_s >= _LOOP_S * 0.9
        assert connection.busy_s(ended + 5) == pytest.approx(5)
        assert connection.busy_s(ended + 5) == 0


@pytest.fixture(params=[0, _BEYOND_SELECT], ids=["low descriptor", "high descriptor"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A pair of sockets; the first has a descriptor of at least the parameter."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[0] <= _BEYOND_SELECT:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(2 * _BEYOND_SELECT, limits[1]), limits[1]))
    here, there = socket.socketpair()
    mine = socket.socket(fileno=fcntl.fcntl(here, fcntl.F_DUPFD, request.param))
    here.close()
    yield mine, there
    mine.close()
    there.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_input_and_room_for_output_are_seen(pair: tuple[socket.socket, socket.socket]) -> None:
    mine, there = pair
    assert socket_wait.wait([mine], [], 0) == ([], [])
    assert socket_wait.wait([mine], [mine], 0) == ([], [mine])
    there.send(b"x")
    assert socket_wait.wait([mine, there], [mine], 10) == ([mine], [mine])


def test_an_end_is_input(pair: tuple[socket.socket, socket.socket]) -> None:
    mine, there = pair
    there.close()
    assert socket_wait.wait([mine], [], 10) == ([mine], [])


def test_a_closed_socket_is_refused(pair: tuple[socket.socket, socket.socket]) -> None:
    pair[0].close()
    with pytest.raises(ValueError, match="negative"):
        socket_wait.wait([pair[0]], [], 0)
