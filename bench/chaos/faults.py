"""Faults: crashes, poison, damaged files and full disks. Each happens once, while the neighbours record."""

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from bench.chaos.hostile_device import NAME, HostileDevice
from bench.chaos.site_control import SiteControl
from edge_worker.protocol import strict_json, topics
from edge_worker.protocol.chunk import GAP_BEFORE, HAS_META, LAST, STREAM

Fault = Callable[[SiteControl, HostileDevice], None]

_HANG_S: Final = 4.0


def worker_killed(site: SiteControl, device: HostileDevice) -> None:
    """The worker is killed five times, at random moments."""
    for _ in range(5):
        site.kill_worker()
        time.sleep(device.random.uniform(0.2, 3))


def broker_killed(site: SiteControl, device: HostileDevice) -> None:
    """The broker is killed three times."""
    for _ in range(3):
        site.kill_broker(device.random.uniform(0, 0.5))
        time.sleep(device.random.uniform(0.5, 2))


def power_cut(site: SiteControl, device: HostileDevice) -> None:
    """Worker and broker are killed together, and the ends of files that were just written are gone."""
    site.stop_worker()
    site.site.broker.kill()
    for path in (site.data_dir / "spool").rglob("*.chunks"):
        _cut(path, device.random)
    site.site.broker.start()
    site.start_worker()


def broker_forgets(site: SiteControl, device: HostileDevice) -> None:
    """The broker is killed and its memory is lost."""
    site.site.broker.kill()
    for path in _broker_memory(site):
        path.unlink()
    site.site.broker.start()


def broker_memory_of_zeros(site: SiteControl, device: HostileDevice) -> None:
    """The broker is killed and its memory is full of zeros."""
    site.site.broker.stop()
    for path in _broker_memory(site):
        path.write_bytes(bytes(path.stat().st_size))
    site.site.broker.start()


def worker_hangs(site: SiteControl, device: HostileDevice) -> None:
    """The worker is stopped for some seconds and goes on."""
    if site.worker is not None:
        site.worker.pause()
        time.sleep(_HANG_S)
        site.worker.resume()


def broker_hangs(site: SiteControl, device: HostileDevice) -> None:
    """The broker is stopped for some seconds and goes on."""
    site.site.broker.pause()
    time.sleep(_HANG_S)
    site.site.broker.resume()


def database_locked(site: SiteControl, device: HostileDevice) -> None:
    """Another program holds the database."""
    database = sqlite3.connect(site.data_dir / "stetho.db", isolation_level=None, timeout=30)
    with closing(database):
        database.execute("BEGIN IMMEDIATE")
        time.sleep(_HANG_S)
        database.execute("ROLLBACK")


def damaged_row(site: SiteControl, device: HostileDevice) -> None:
    """A row of the history holds rubbish, and the worker is started again."""
    with closing(sqlite3.connect(site.data_dir / "stetho.db", timeout=30)) as database:
        database.execute(
            "UPDATE recordings SET document = '{', status = NULL, meta = '[' "
            "WHERE id = (SELECT MIN(id) FROM recordings)"
        )
        database.commit()
    site.kill_worker()


def stream_state_damaged(site: SiteControl, device: HostileDevice) -> None:
    """The saved state of a stream is empty, half, or something else."""
    for content in (b"", b'{"position', b"[]", b'{"position": NaN}'):
        number = device.number()
        for index in range(6):
            device.sound(number, index * 8000, device.random.randbytes(16_000), flags=STREAM, rate=8000)
        time.sleep(1.5)
        site.stop_worker()
        for path in (site.data_dir / "spool" / NAME).rglob("state.json"):
            path.write_bytes(content)
        site.start_worker()
        site.is_ready()


def spool_of_another_version(site: SiteControl, device: HostileDevice) -> None:
    """The spool holds files that no version wrote."""
    folder = site.data_dir / "spool" / NAME
    site.stop_worker()
    folder.mkdir(parents=True, exist_ok=True)
    for index, content in enumerate((b"", b"STSPOOL9" + bytes(40), device.random.randbytes(500))):
        (folder / f"{index:016x}.chunks").write_bytes(content)
    site.start_worker()


def spool_deleted(site: SiteControl, device: HostileDevice) -> None:
    """Somebody deletes the spool of a device while its recordings are open."""
    for _ in range(3):
        device.sound(device.number(), 0, bytes(4000), rate=8000)
    time.sleep(1)
    for path in (site.data_dir / "spool" / NAME).rglob("*"):
        if path.is_file():
            path.unlink()
    site.kill_worker()


def poison_meta(site: SiteControl, device: HostileDevice) -> None:
    """META that JSON allows and no program expects."""
    for body in (
        b'{"amplification":1' + b"0" * 400 + b"}",
        b'{"amplification":NaN}',
        b'{"captured_at":"9999-99-99"}',
        b'{"captured_at":"2026-11-29T14:00:00"}',
        b'{"models":[["heart2"],{"a":1}],"site":"\\ud800"}',
        b"[" * 2000,
        b'{"exam":' + b"[" * 1500 + b"]" * 1500 + b"}",
        b"\xff\xfe\x00",
        b'{"site":1e999,"exam":true,"models":"heart2"}',
    ):
        for flags in (0, STREAM):
            number = device.number()
            device.meta(number, body, flags=flags)
            device.sound(number, 0, device.random.randbytes(16_000), flags=flags | LAST | HAS_META, rate=8000)


def poison_states(site: SiteControl, device: HostileDevice) -> None:
    """States that are no states."""
    deep = strict_json.write({"state": "online"})[:-1] + ',"x":' + "[" * 3000 + "]" * 3000 + "}"
    for body in (
        b"[]",
        b"null",
        b"NaN",
        b'{"state":[1]}',
        b'{"state":NaN,"device_id":"neighbour-0"}',
        deep.encode(),
    ):
        device.publish(body, topics.state(NAME), retain=True)


def retained_chunk(site: SiteControl, device: HostileDevice) -> None:
    """A chunk is retained, and the worker started again."""
    device.publish(b"STH1" + bytes(40), retain=True)
    time.sleep(0.5)
    site.kill_worker()


def result_beyond_a_packet(site: SiteControl, device: HostileDevice) -> None:
    """A recording with so many gaps that its result would be larger than a packet of the broker."""
    number = device.number()
    for first in range(0, 16_000, 2):
        device.sound(number, first, b"\1\0", flags=GAP_BEFORE if first else 0)
    device.sound(number, 16_100, b"\1\0", flags=LAST | GAP_BEFORE)


def promoted_rubbish(site: SiteControl, device: HostileDevice) -> None:
    """A promoted version of a model is rubbish, and the worker is started again."""
    folder = site.data_dir / "models" / "heart2" / "9.9.9"
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("json", "tflite"):
        (folder / f"heart2.{suffix}").write_bytes(device.random.randbytes(5000))
    site.kill_worker()


FAULTS: Final[tuple[Fault, ...]] = (
    *(worker_killed, broker_killed, power_cut, broker_forgets, broker_memory_of_zeros, worker_hangs),
    *(broker_hangs, database_locked, damaged_row, stream_state_damaged, spool_of_another_version),
    *(spool_deleted, poison_meta, poison_states, retained_chunk, result_beyond_a_packet, promoted_rubbish),
)


def _broker_memory(site: SiteControl) -> list[Path]:
    return list((site.site.directory / "broker").rglob("mosquitto.db"))


def _cut(path: Path, chance: random.Random) -> None:
    """Cut some bytes off the end of a file."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(max(0, size - chance.choice((0, 1, 7, 100))))
