"""A device that records faster than it declares, through the real broker and worker."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Device
from stream_playback import ID, SETTINGS, heart, live_values, meta, operator_client, play, stream

from edge_worker.protocol import chunk as codec
from edge_worker.protocol.chunk import Chunk
from simulator.site.site import Site

TWICE = 2.0


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site", SETTINGS) as running:
        running.start_worker()
        yield running


def begun(ago: timedelta, recording_id: int = ID) -> Chunk:
    captured = datetime.now(UTC) - ago
    return meta({"captured_at": captured.isoformat(), "models": ["heart5"]}, recording_id)


def test_twice_the_sound_that_time_has_passed_is_no_heart(site: Site) -> None:
    kept, as_recording = 2, 3
    with Device(site, "st-01") as device, operator_client(site) as operator:
        device.send(begun(timedelta()))
        play(device, stream(heart(16)), TWICE)
        result = operator.wait_for("stetho/v1/result/st-01")
        assert (result["status"], result["reasons"]) == ("inconclusive", ["wrong_rate"])
        assert result["hints"] == ["more sound than time passed: declare the true sample rate"]
        assert [each["accepted"] for each in result["models"]] == [False]
        assert result["heart_rate_bpm"] is None
        assert live_values(device)[-1]["hint"] == "check the device"

        device.send(begun(timedelta(minutes=2), kept))
        play(device, stream(heart(16), recording_id=kept), TWICE)
        result = operator.wait_for("stetho/v1/result/st-01", recording_id=f"{kept:016x}")
        assert "wrong_rate" not in result["reasons"], "it is sent from memory"
        assert result["heart_rate_bpm"] == pytest.approx(72, abs=3)

        chunks = [begun(timedelta(), as_recording), *stream(heart(16), recording_id=as_recording)]
        play(device, [each._replace(flags=each.flags & ~codec.STREAM) for each in chunks], TWICE)
        result = operator.wait_for("stetho/v1/result/st-01", recording_id=f"{as_recording:016x}")
        assert result["reasons"] == ["wrong_rate"]
