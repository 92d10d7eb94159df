"""`stetho clock`: shows whether the clock is believed, and believes it when a person confirms it."""

from dataclasses import replace

import pytest
from archive import Archive

from edge_worker.database.site_state.clock_reading import ClockReading
from history_api.__main__ import main

pytest_plugins = ["archive_fixtures"]
pytestmark = pytest.mark.usefixtures("database")

IN_2036_S = 2_085_978_496.0


def test_a_clock_that_is_not_believed_is_confirmed_by_a_person(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    archive = Archive(tmp_path_factory.mktemp("data"))
    monkeypatch.setenv("STETHO_DATA_DIR", str(archive.settings.data_dir))
    monkeypatch.setenv("STETHO_DATABASE_URL", archive.settings.database_url)
    archive.store.clock.check()
    assert main(["clock"]) == 0
    assert capsys.readouterr().out == "the clock is believed\n"
    true = ClockReading.now
    monkeypatch.setattr(ClockReading, "now", lambda: replace(true(), wall_s=IN_2036_S))
    assert main(["clock"]) == 0
    assert "the clock says 2036-02-07T06:28:16.000Z" in capsys.readouterr().out
    assert main(["clock", "confirm"]) == 0
    assert capsys.readouterr().out == "the clock says 2036-02-07T06:28:16.000Z, and is believed from now on\n"
    assert main(["clock"]) == 0
    assert capsys.readouterr().out == "the clock is believed\n"


def test_without_a_database_it_says_what_to_do(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STETHO_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    assert main(["clock"]) == 2
    assert "start the worker once" in capsys.readouterr().err
