"""Parts of the bench in their short form, on the real broker, worker and API."""

import pytest

from bench import history_page, live_streams, upload_latency


def test_pages_of_a_history_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_page, "_PAGE", 3)
    monkeypatch.setattr(history_page, "_REQUESTS_EACH", 2)
    figures = history_page.measure(rows=200)
    assert figures["history_rows"] == 200
    assert min(value for name, value in figures.items() if "over" not in name) > 0


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
