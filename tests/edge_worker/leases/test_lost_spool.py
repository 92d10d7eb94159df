"""A machine that is gone takes its spool along: the next holder asks the devices for what was in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import beep, cut, wait_until
from postgresql_server import PostgresqlServer
from shard_site import START_WITHIN_S, AskingDevice, ShardSite

from edge_worker.protocol import topics
from edge_worker.protocol.sharing.shard import SHARDS, shard_of

pytest_plugins = ["store_fixtures"]
DEVICES = [
    next(name for number in range(10_000) if shard_of(name := f"st-{number}") == shard)
    for shard in (0, SHARDS - 1)
]
"""Of whichever two shares of the shards, each has one."""
PCM = beep(8_000)
UNSTORED = "SELECT 1 FROM moving_files WHERE device_id = :device"
COMPLETE = "SELECT completeness FROM recordings WHERE device_id = :device"


@pytest.fixture
def site(postgresql: PostgresqlServer, tmp_path: Path) -> Iterator[ShardSite]:
    with ShardSite(tmp_path, postgresql.new_database(with_tables=True), DEVICES) as running:
        yield running


@pytest.mark.timeout(170)
def test_what_only_the_spool_of_a_machine_had_is_asked_for_again(site: ShardSite) -> None:
    site.start()
    site.wait_for_shares(32)
    before = site.serving()
    elsewhere = {"STETHO_FIRST_PROCESS": "3", "STETHO_DATA_DIR": str(site.share_sounds("other"))}
    other = site.start(elsewhere)
    site.wait_for_shares(16, 16)
    device_id = next(each for each, process in site.serving().items() if process != before[each])
    obstacle = site.data_dir / "audio" / device_id
    obstacle.write_text("not a directory: nothing of this device can be stored")
    with AskingDevice(site, device_id) as device:
        device.publish(topics.state(device_id), '{"state":"online","boot":"a"}', retain=True)
        chunks = cut(PCM, 1)
        device.send_all(chunks)
        other.wait_for("event=storage_refuses", START_WITHIN_S)  # the broker has nothing of it any more
        wait_until(lambda: site.rows(UNSTORED, device=device_id), "its name")
        other.kill()
        obstacle.unlink()
        wait_until(lambda: any(each["type"] == "missing" for each in device.answers()), "a question", 15)
        device.send_all(chunks)
        wait_until(lambda: site.rows(COMPLETE, device=device_id) == [("complete",)], "the recording")
