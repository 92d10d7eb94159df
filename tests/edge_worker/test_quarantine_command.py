"""`stetho quarantine`: lists, shows and deletes what was set aside."""

from pathlib import Path

import pytest

from edge_worker.ingest.quarantine import Origin, Quarantine
from edge_worker.quarantine import main


@pytest.fixture
def quarantine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Quarantine:
    monkeypatch.setenv("STETHO_DATA_DIR", str(tmp_path))
    return Quarantine(tmp_path / "quarantine")


def test_an_empty_quarantine_says_so(quarantine: Quarantine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == "The quarantine is empty.\n"
    assert quarantine.entries() == []


def test_entries_are_listed_shown_and_deleted(
    tmp_path: Path, quarantine: Quarantine, capsys: pytest.CaptureFixture[str]
) -> None:
    quarantine.put(Origin("message", "st-01", None, "t/st-01"), b"STH1\x1b[2J\xff", "it raises")
    stream = tmp_path / "st-02" / "7.stream"
    stream.mkdir(parents=True)
    (stream / "000000.chunks").write_bytes(b"STSPOOL1")
    quarantine.take(stream, "it is cut")
    first, second = (each.id for each in quarantine.entries())

    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == [first, second]
    assert lines[0].endswith("message\tst-01\t9 bytes\tit raises")

    assert main(["show", first]) == 0
    shown = capsys.readouterr().out
    assert '"topic": "t/st-01"' in shown
    assert "53 54 48 31 1b 5b 32 4a ff" in shown
    assert "STH1.[2J." in shown
    assert "\x1b" not in shown
    assert main(["show", second]) == 0
    assert "STSPOOL1" in capsys.readouterr().out

    assert main(["delete", first]) == 0
    assert [each.id for each in quarantine.entries()] == [second]
    assert main(["clear"]) == 0
    assert quarantine.entries() == []
    assert list((tmp_path / "quarantine").iterdir()) == []


def test_an_unknown_entry_is_one_sentence(quarantine: Quarantine, capsys: pytest.CaptureFixture[str]) -> None:
    quarantine.put(Origin("message"), b"1", "x")
    assert main(["delete", quarantine.entries()[0].id, "../../etc"]) == 2
    assert "there is no entry '../../etc'" in capsys.readouterr().err
    assert len(quarantine.entries()) == 1
