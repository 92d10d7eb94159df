"""Log of starts: a worker that ended unexpectedly several times within minutes says so."""

from pathlib import Path

from edge_worker.upkeep.start_log import StartLog


def test_three_unexpected_ends_are_a_warning_and_orderly_stops_are_none(tmp_path: Path) -> None:
    path = tmp_path / "worker.starts"
    for _ in range(5):
        started = StartLog(path)
        assert started.warning() == ""
        started.stopped()
    warnings = [StartLog(path).warning() for _ in range(4)]
    assert warnings[:3] == ["", "", ""]
    assert "3 times" in warnings[3]


def test_a_damaged_log_counts_as_empty(tmp_path: Path) -> None:
    path = tmp_path / "worker.starts"
    for content in (b"", b"\0\0", b"{}", b'["x"]', b"[[]]", b"5"):
        path.write_bytes(content)
        assert StartLog(path).warning() == ""
