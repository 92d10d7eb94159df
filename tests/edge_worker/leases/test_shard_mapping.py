"""How devices belong to shards: the same for all workers of a database; shards that do not exist."""

import time
from pathlib import Path

import pytest
from conftest import beep, cut
from sqlalchemy import create_engine

from edge_worker.database.sharing.shard_mapping import ShardMapping
from edge_worker.database.site_state import site_facts
from edge_worker.database.store import Store
from edge_worker.errors import SettingsError
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.intake_event import ClosedRecording, IntakeEvent
from edge_worker.ingest.spool import Spool
from edge_worker.message_router import MessageRouter
from edge_worker.mqtt.inbound import Inbound
from edge_worker.protocol.chunk import encode
from edge_worker.protocol.home_assistant_discovery import HomeAssistantDiscovery
from edge_worker.settings import Settings

pytest_plugins = ["store_fixtures"]


def test_workers_that_map_devices_otherwise_are_refused(url: str, store: Store) -> None:
    for _ in range(2):
        ShardMapping(url).require()
    engine = create_engine(url)
    with engine.begin() as connection:
        site_facts.write(connection, site_facts.SHARDS, {"shards": 16, "hash": "crc32"})
    engine.dispose()
    with pytest.raises(
        SettingsError, match="have 16 shards by crc32, this program has 32 by fnv1a-32: run the"
    ):
        ShardMapping(url).require()


def test_chunks_of_a_shard_that_does_not_exist_are_dropped_and_counted(tmp_path: Path) -> None:
    intake = Intake(Spool(tmp_path / "spool"), Settings(), lambda _device, _name: None)
    discovery = HomeAssistantDiscovery("edge-01", is_on=False, is_known=lambda _device: False)
    router = MessageRouter(intake, discovery, lambda _messages: None)
    (chunk,) = cut(beep(1_000), 1)

    def route(topic: str) -> list[IntakeEvent]:
        return router.route(Inbound(topic, encode(chunk), retain=False, mid=1), time.monotonic())

    wrong = ("99", "32", "07", "-1", "x", "", "7/7", "1e1", "\u0661")
    for shard in wrong:
        assert route(f"stetho/v1/shard/{shard}/device/st-01/up/pcm") == []
    assert (intake.counts["rejected_topic"], len(intake)) == (len(wrong), 0)
    closed = route("stetho/v1/shard/7/device/st-01/up/pcm")
    assert [type(each) for each in closed if isinstance(each, ClosedRecording)] == [ClosedRecording]
    assert intake.counts["rejected_topic"] == len(wrong)
