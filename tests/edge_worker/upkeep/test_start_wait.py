"""A start whose data directory cannot be written waits for a bounded time."""

import threading
from pathlib import Path

import pytest
from frozen import frozen

from edge_worker.errors import SettingsError
from edge_worker.settings import Settings
from edge_worker.upkeep import start_wait
from edge_worker.upkeep.start_wait import wait_until_writable


def test_it_ends_with_the_reason_when_nothing_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start_wait, "_LOOK_EVERY_S", 0.0)
    settings = Settings(data_dir=tmp_path / "data", mqtt_port=1)
    wait_until_writable(settings, threading.Event())  # there is no such directory: it will be made
    settings.data_dir.mkdir()
    wait_until_writable(settings, threading.Event())
    with frozen(settings.data_dir), pytest.raises(SettingsError, match="cannot be written"):
        wait_until_writable(settings, threading.Event())
