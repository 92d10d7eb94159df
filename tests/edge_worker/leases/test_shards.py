"""Workers that share the devices by leases: `kill -9`, machines that come and go, a database away."""

import json
import os
import re
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from conftest import Client, beep, cut, wait_until
from exposition import read
from postgresql_server import PostgresqlServer
from shard_site import START_WITHIN_S, AskingDevice, ShardSite
from stream_playback import RATE, heart, stream
from stream_playback import SETTINGS as STREAM_SETTINGS

from edge_worker.errors import StoreError
from edge_worker.protocol import topics
from edge_worker.protocol.chunk import Chunk
from edge_worker.protocol.sharing.shard import SHARDS
from edge_worker.settings import Settings
from edge_worker.upkeep.site_checks import check_worker
from history_api.application import create_app
from history_api.settings import ApiSettings
from simulator.site.process import Process

pytest_plugins = ["store_fixtures"]
DEVICES = [f"st-{number:02}" for number in range(1, 9)]
STREAMING = "st-20"
PCM = beep(8_000)
PAUSE_S = 0.5
ASK_AFTER_S = 4.0
RING = 50
"""Chunks of a stream that its device keeps: ten seconds."""
STATES = "SELECT 1 FROM moving_files"
PATIENCE = {"STETHO_GIVE_UP_S": "30", "STETHO_STREAM_GIVE_UP_S": "30", "STETHO_STREAM_GAP_S": "10"}
"""The machine may be busy."""
ANALYSED = "SELECT 1 FROM recordings WHERE document IS NOT NULL AND parent IS NULL"


@pytest.fixture(scope="module")
def site(postgresql: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShardSite]:
    """Site with the worker of one machine, which is two processes."""
    url = postgresql.new_database(with_tables=True)
    with ShardSite(tmp_path_factory.mktemp("shards"), url, [*DEVICES, STREAMING]) as running:
        yield running


class Ward:
    """Devices that record all the time, one of them a stream, and an operator who reads what comes of it."""

    def __init__(self, site: ShardSite) -> None:
        self._site = site
        self._stopping = threading.Event()
        self.streamed = heart(1)
        """What was sent as a stream."""
        self.sent: Counter[str] = Counter()
        self._devices = [AskingDevice(site, each) for each in DEVICES]
        self._streaming = AskingDevice(site, STREAMING)
        for each in (*self._devices, self._streaming):
            each.publish(topics.state(each.device_id), '{"state":"online","boot":"a"}', retain=True)
        self._threads = [threading.Thread(target=self._record, args=[each]) for each in self._devices]
        self._threads.append(threading.Thread(target=self._stream))

    def __enter__(self) -> "Ward":
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for each in (*self._devices, self._streaming):
            each.__exit__(None, None, None)

    def stop(self) -> None:
        """Let each recording end."""
        self._stopping.set()
        for each in self._threads:
            each.join(60)

    def _record(self, device: AskingDevice) -> None:
        """Send recordings, and what the worker misses of them, until all are stored."""
        kept: dict[str, tuple[list[Chunk], float]] = {}
        while kept or not self._stopping.is_set():
            if not self._stopping.is_set():
                number = self.sent[device.device_id] = self.sent[device.device_id] + 1
                chunks = cut(PCM, number)
                for chunk in chunks:
                    device.send(chunk)
                    time.sleep(PAUSE_S / 4)
                kept[f"{number:016x}"] = chunks, time.monotonic()
            time.sleep(PAUSE_S)
            for answer in device.answers():
                if answer["type"] == "stored":
                    kept.pop(answer["recording_id"], None)
                elif answer["type"] == "missing" and answer["recording_id"] in kept:
                    device.send_all(kept[answer["recording_id"]][0])
            for name, (chunks, since) in kept.items():
                if time.monotonic() - since > ASK_AFTER_S:  # `stored` may have died with its worker
                    device.send(chunks[-1])
                    kept[name] = chunks, time.monotonic()

    def _stream(self) -> None:
        """Send a stream in real time, and what the worker misses of it; end it when the others end."""
        pcm, size = heart(300), RATE // 5
        ring: deque[Chunk] = deque(maxlen=RING)
        for chunk in stream(pcm, last=False):
            is_last = self._stopping.wait(0.2)
            ring.append(stream(pcm[: chunk.end])[-1] if is_last else chunk)
            self._streaming.send(ring[-1])
            self._send_missing(ring)
            if is_last:
                break
        self.streamed = pcm[: ring[-1].first_sample + size]
        deadline = time.monotonic() + 60
        while not self._send_missing(ring) and time.monotonic() < deadline:
            time.sleep(0.2)

    def _send_missing(self, ring: Iterable[Chunk]) -> bool:
        """Send what was asked for, as far as it is kept; return whether the stream is stored."""
        answers = list(self._streaming.answers())
        for start, end in (each for answer in answers for each in answer.get("ranges", ())):
            for chunk in ring:
                if chunk.end > start and chunk.first_sample < (end or chunk.end):
                    self._streaming.send(chunk)
        return any(answer["type"] == "stored" for answer in answers)


def described(operator: Client) -> dict[str, str]:
    """Return which process each description for Home Assistant names."""
    found = {}
    for each in list(operator.messages):
        if each.topic.startswith(topics.HOME_ASSISTANT):
            name = json.loads(each.payload)["availability"][0]["topic"].rpartition("/")[2]
            found[each.topic.split("/")[2]] = name
    return found


def require_well(site: ShardSite) -> None:
    """Wait until doctor and metrics say that each shard is served, and once."""
    settings = Settings.from_environ(site.environ | {"STETHO_PROCESSES": "2"})
    client = create_app(ApiSettings.from_environ(site.environ | {"STETHO_API_AUTH": "none"})).test_client()

    def held() -> float:
        samples = read(client.get("/metrics").get_data(as_text=True))["stetho_worker_shards"]
        return sum(count for labels, count in samples.items() if ("state", "held") in labels)

    wait_until(lambda: held() == SHARDS, "the metric of the shards")
    assert check_worker(settings).count("is ready, its heartbeat is fresh") == 2


def is_unserved(site: ShardSite) -> bool:
    """Return whether doctor says that no worker has any of the devices."""
    try:
        check_worker(Settings.from_environ(site.environ))
    except StoreError as error:
        return (
            re.search(r"no worker has the devices of the shards 0, 1, 2, .*, 31: look again", str(error))
            is not None
        )
    return False


def require_whole(site: ShardSite, ward: Ward) -> None:
    """Require that all that was sent is there once, without a gap, and with a result."""
    found = Counter(site.rows("SELECT device_id, completeness FROM recordings WHERE parent IS NULL"))
    expected = ward.sent + Counter({STREAMING: 1})
    assert found == Counter({(device, "complete"): count for device, count in expected.items()})
    assert site.rows("SELECT recording_id FROM recordings WHERE status = 'error'") == []
    query = "SELECT samples, audio_start, audio_sha256 FROM recordings WHERE device_id = :device"
    ((samples, start, digest),) = site.rows(query, device=STREAMING)
    assert samples == len(ward.streamed)
    assert digest == sha256(ward.streamed[start:].astype("<i2").tobytes()).hexdigest()


def children(worker: Process) -> list[int]:
    """Return the ids of the processes of a worker."""
    found = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    return [int(each) for each in found]


@pytest.mark.timeout(170)
def test_nothing_is_lost_or_twice_while_shards_move(site: ShardSite) -> None:
    patient = {**STREAM_SETTINGS, **PATIENCE}
    worker = site.start({"STETHO_PROCESSES": "2", **patient})
    site.wait_for_shares(16, 16)
    require_well(site)
    names = ("stetho/v1/result/#", topics.ALL_HOME_ASSISTANT)
    with Client(site.broker, site.operator, *names) as operator, Ward(site) as ward:
        wait_until(lambda: len(site.rows(ANALYSED)) > len(DEVICES), "results")

        # One is killed: the other has all at once, and shares again with the one that replaces it.
        victim = children(worker)[1]
        os.kill(victim, signal.SIGKILL)
        worker.wait_for(r"event=shards_taken \S+ held=32", START_WITHIN_S)
        site.wait_for_shares(16, 16)
        wait_until(lambda: described(operator) == site.serving(), "descriptions that name who has them now")

        # One more, on another machine: it gets its part while chunks arrive.
        elsewhere = {"STETHO_FIRST_PROCESS": "3", "STETHO_DATA_DIR": str(site.share_sounds("other"))}
        other = site.start({**patient, **elsewhere})
        site.wait_for_shares(11, 11, 10)
        wait_until(lambda: described(operator) == site.serving(), "descriptions that name the new holders")

        # The database is away for a while, for all.
        with site.database_away():
            sent = ward.sent.total()
            wait_until(lambda: ward.sent.total() > sent + 16, "more recordings")
        site.wait_for_shares(11, 11, 10)

        # One stands still, and the server takes it for gone: the others have its shards, and it drops them.
        os.kill(other.pid, signal.SIGSTOP)
        site.end_lease_of(3)
        wait_until(lambda: sorted(site.shares()) == [16, 16], "the shards of one that stands still")
        os.kill(other.pid, signal.SIGCONT)
        other.wait_for("lost=True", START_WITHIN_S)
        site.wait_for_shares(11, 11, 10)

        # A machine ends in order: all goes to the other.
        assert worker.stop() == 0
        site.wait_for_shares(32)

        # It is back, and the other ends at once: only what it said of its streams is left.
        worker = site.start({"STETHO_PROCESSES": "2", **patient})
        site.wait_for_shares(11, 11, 10)
        wait_until(lambda: described(operator) == site.serving(), "descriptions that name who is left")
        require_well(site)
        wait_until(lambda: site.rows(STATES), "the state of the stream")
        other.kill()
        wait_until(lambda: sorted(site.shares()) == [16, 16], "the shards of a machine that is gone")
        ward.stop()
        planned = ward.sent.total() + 1
        wait_until(lambda: len(site.rows(ANALYSED)) >= planned, "all results", START_WITHIN_S)

        def published() -> Counter[tuple[str, str]]:
            messages = [
                each for each in list(operator.messages) if each.topic.startswith("stetho/v1/result/")
            ]
            results = [json.loads(each.payload) for each in messages]
            return Counter((each["device_id"], each["recording_id"]) for each in results)

        wait_until(
            lambda: len(published()) >= planned and not site.rows("SELECT 1 FROM outbox"), "all results"
        )
    require_whole(site, ward)
    assert worker.stop() == 0
    wait_until(lambda: is_unserved(site), "doctor to say that nobody serves the devices")
