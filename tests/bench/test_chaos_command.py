"""Chaos in its short form: some faults and floods, and that its audit finds what is lost."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bench.chaos.__main__ import main
from bench.chaos.audit import audit
from bench.chaos.case import cases
from bench.chaos.neighbours import Sent
from simulator.device.delivery import Delivery

SHORT = ("power_cut", "poison_meta", "spool_of_another_version", "claimed_length", "endless_headers")
BRIEF = ("--before-seconds", "2", "--flood-seconds", "4", "--after-seconds", "1")


@pytest.mark.timeout(600)
def test_neighbours_lose_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = main([*SHORT, *BRIEF, "--json", str(tmp_path / "chaos.json")])

    printed = capsys.readouterr().out
    assert status == 0, printed
    assert "5 of 5 survived, 0 recordings lost" in printed
    document = json.loads((tmp_path / "chaos.json").read_text())
    assert [case["name"] for case in document["cases"]] == list(SHORT)
    for case in document["cases"]:
        assert case["counts"]["sent"] == case["counts"]["stored"] >= 4
        assert case["survived"]


def test_the_cases_are_listed_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(cases()) > 30
    assert all(line.endswith(".") for line in lines)


def sent(number: int, digest: str = "a") -> Sent:
    return Sent("st-01", Delivery(f"{number:016x}", 100, 1), digest, 0.0)


def test_the_audit_finds_what_is_lost_doubled_and_another_sound(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "stetho.db")) as history:
        history.execute(
            "CREATE TABLE recordings (device_id, recording_id, completeness, audio_sha256, document)"
        )
        history.execute("CREATE TABLE predictions (recording, model)")
        rows: list[tuple[int, str, str, str | None]] = [
            (1, "complete", "a", "{}"),
            (2, "partial", "b", "{}"),
            (3, "complete", "b", "{}"),
        ]
        rows += [(5, "complete", "a", None), (6, "complete", "a", "{}"), (6, "complete", "a", "{}")]
        for number, *facts in rows:
            values = ("st-01", f"{number:016x}", *facts)
            history.execute("INSERT INTO recordings VALUES (?, ?, ?, ?, ?)", values)
        history.executemany(
            "INSERT INTO predictions VALUES (?, ?)", [(1, "heart2"), (1, "heart2"), (1, "heart5")]
        )
        history.commit()

    counts = audit(tmp_path, [sent(number) for number in (1, 2, 3, 4, 5, 6)])

    assert (counts.sent, counts.stored, counts.lost) == (6, 2, 2)  # 2 is partial, 4 is not there
    assert (counts.doubled, counts.corrupted) == (2, 1)
