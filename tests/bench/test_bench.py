"""The bench measures what the program is now: each part in its short form, and what it writes."""

import json
import sys
from pathlib import Path

import pytest

from bench import __main__ as command
from bench import history_page, live_streams, upload_latency


def test_pages_of_a_history_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_page, "_PAGE", 3)
    monkeypatch.setattr(history_page, "_REQUESTS_EACH", 2)
    figures = history_page.measure(rows=200)
    assert figures["history_rows"] == 200
    assert min(figures.values()) > 0


def test_hints_of_streams_are_measured() -> None:
    figures = live_streams.hints(2, live_streams.WARM_S + 4)
    assert figures["stream_devices"] == 2
    assert figures["stream_hint_ms_p50"] > 0
    assert figures["stream_hints_per_s_least"] > 0
    assert 0 <= figures["stream_skipped_windows_share"] < 1


def test_uploads_are_measured_beside_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_latency, "ROUNDS", 1)
    figures = upload_latency.measure()
    assert figures["upload_adds_ms"] == pytest.approx(figures["upload_http_ms"] - figures["upload_device_ms"])


def test_one_part_leaves_the_others_figures_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"cpu_ms_per_recording": 6.4, "stream_machine": "another", "ready_s": 9}))
    monkeypatch.setitem(command._PARTS, "start", lambda: {"ready_s": 0.43219})
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "start", "-o", str(path)])
    assert command.main() == 0
    written = json.loads(path.read_text())
    assert written.pop("machine")
    assert written == {"cpu_ms_per_recording": 6.4, "stream_machine": "another", "ready_s": 0.4322}
    assert "another" in capsys.readouterr().out
