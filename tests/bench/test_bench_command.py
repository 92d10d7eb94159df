"""Command of the bench: parts that end, cannot run here or fail, and the results file."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench import __main__ as command
from bench import machine
from bench.report.results import Figures
from edge_worker.errors import StethoError
from simulator.site.process import ProcessError

HERE = machine.description()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "results.json"


@pytest.fixture
def use_parts(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A function that replaces all parts of the bench."""

    def use(**parts: Callable[[], Figures]) -> None:
        monkeypatch.setattr(command, "_PARTS", parts)

    return use


def raising(error: Exception) -> Callable[[], Figures]:
    def measure() -> Figures:
        raise error

    return measure


def run(output: Path, *arguments: str) -> int:
    return command.main(["-o", str(output), *arguments])


def written(output: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(output.read_text())
    return document


@pytest.mark.parametrize(
    "error",
    [
        StethoError("there is no Chromium; run tests/install_chromium.sh"),
        FileNotFoundError(2, "No such file or directory", "mosquitto"),
        ModuleNotFoundError("No module named 'keras'"),
    ],
)
def test_a_part_that_cannot_run_here_is_named_and_the_others_are_measured(
    output: Path, use_parts: Callable[..., None], capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    use_parts(start=lambda: {"ready_s": 0.43219}, paint=raising(error), memory=lambda: {"peak_rss_mb": 120.0})
    assert run(output) == 0
    assert written(output) == {"ready_s": 0.4322, "peak_rss_mb": 120.0, "machine": HERE}
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("left out: ")]
    assert line.startswith("left out: paint: ")
    assert str(error) in line


@pytest.mark.parametrize(
    "error",
    [RuntimeError("the recording got no result"), ProcessError("edge_worker ended"), TimeoutError("slow")],
)
def test_a_part_that_fails_is_exit_status_1_and_the_others_are_measured(
    output: Path, use_parts: Callable[..., None], capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    use_parts(ingest=raising(error), start=lambda: {"ready_s": 0.4})
    assert run(output) == 1
    assert written(output) == {"ready_s": 0.4, "machine": HERE}
    printed = capsys.readouterr()
    assert f"failed: ingest: {type(error).__name__}: {error}" in printed.out
    assert "Traceback" in printed.err


def test_figures_are_in_the_file_as_soon_as_their_part_ends(
    output: Path, use_parts: Callable[..., None]
) -> None:
    seen: list[dict[str, Any]] = []

    def second() -> Figures:
        seen.append(written(output))
        raise KeyboardInterrupt

    use_parts(start=lambda: {"ready_s": 0.4}, live=second)
    with pytest.raises(KeyboardInterrupt):
        run(output)
    assert seen == [{"ready_s": 0.4, "machine": HERE}]
    assert written(output) == seen[0]
    assert list(output.parent.iterdir()) == [output]


def test_figures_of_parts_that_were_not_measured_stay_when_they_are_of_this_machine(
    output: Path, use_parts: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    output.write_text(json.dumps({"cpu_ms_per_recording": 6.4, "ready_s": 9, "machine": HERE}))
    use_parts(cost=raising(AssertionError("not asked for")), start=lambda: {"ready_s": 0.4})
    assert run(output, "--only", "start") == 0
    assert written(output) == {"cpu_ms_per_recording": 6.4, "ready_s": 0.4, "machine": HERE}
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert rows["cpu_ms_per_recording"].endswith("(earlier run)")
    assert not rows["ready_s"].endswith("(earlier run)")


@pytest.mark.parametrize(
    ("figures", "aims"),
    [
        ({"ready_s": 2.1}, "aim: at most 2, missed"),
        ({"ready_s": 2.0}, "aim: at most 2"),
        ({"processes_2_ratio": 1.69}, "aim: at least 1.7, missed"),
        ({"processes_2_ratio": 1.7}, "aim: at least 1.7"),
        ({"a_detail": 1.0}, "1"),
    ],
)
def test_the_table_says_which_aims_are_missed(
    output: Path,
    use_parts: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    figures: Figures,
    aims: str,
) -> None:
    use_parts(start=lambda: figures)
    assert run(output) == 0
    (name,) = figures
    (row,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"{name} ")]
    assert row.endswith(f" {aims}")


@pytest.mark.parametrize("earlier", [{"machine": "another"}, {}])
def test_figures_of_another_machine_are_dropped(
    output: Path, use_parts: Callable[..., None], earlier: dict[str, str]
) -> None:
    output.write_text(json.dumps({"cpu_ms_per_recording": 6.4, **earlier}))
    use_parts(cost=raising(StethoError("not here")), start=lambda: {"ready_s": 0.4})
    assert run(output) == 0
    assert written(output) == {"ready_s": 0.4, "machine": HERE}


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_a_results_file_that_cannot_be_read_is_replaced(
    output: Path, use_parts: Callable[..., None], text: str
) -> None:
    output.write_text(text)
    use_parts(start=lambda: {"ready_s": 0.4})
    assert run(output) == 0
    assert written(output) == {"ready_s": 0.4, "machine": HERE}


def test_a_complete_run_leaves_no_figure_of_an_earlier_one(
    output: Path, use_parts: Callable[..., None]
) -> None:
    output.write_text(json.dumps({"figure_of_an_old_version": 1.0, "machine": HERE}))
    use_parts(start=lambda: {"ready_s": 0.4})
    assert run(output) == 0
    assert written(output) == {"ready_s": 0.4, "machine": HERE}


def test_a_run_without_any_figure_is_exit_status_2_and_writes_nothing(
    output: Path, use_parts: Callable[..., None]
) -> None:
    use_parts(paint=raising(StethoError("there is no Chromium")))
    assert run(output) == 2
    assert not output.exists()


def test_a_results_file_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, use_parts: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    use_parts(start=lambda: {"ready_s": 0.4})
    assert run(tmp_path / "missing" / "results.json") == 2
    assert "cannot be written" in capsys.readouterr().err.splitlines()[-1]


def test_without_chromium_the_paint_is_left_out_with_advice(
    output: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _program: None)
    assert run(output, "--only", "paint") == 2
    assert "run tests/install_chromium.sh" in capsys.readouterr().out
