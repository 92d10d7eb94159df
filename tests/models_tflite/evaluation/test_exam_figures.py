"""Figures of exams: which recordings make one, what the rules are worth, and the constants that follow."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edge_worker.errors import ModelError
from models_tflite import exam_report
from models_tflite.evaluation import exam_figures
from models_tflite.evaluation.exam_figures import Exams

POSITIONS = ("AV", "PV", "TV", "MV")
EXAMS = 1000


def names(*values: str) -> npt.NDArray[np.str_]:
    return np.array(values)


def of_one_patient(
    log_odds: list[float], targets: list[int], positions: list[str], exams: str = "aaaa"
) -> Exams:
    n = len(log_odds)
    return exam_figures.combine(
        log_odds=np.array(log_odds),
        targets=np.array(targets),
        patients=np.full(n, "p"),
        exams=names(*exams[:n]),
        positions=names(*positions),
        sites=np.full(n, "s"),
    )


def predictions(repeats: int = 1, sites: tuple[str, ...] = ("one", "two")) -> dict[str, npt.NDArray[Any]]:
    """Return log odds at four positions, each with noise of its own or `repeats` times the same."""
    random = np.random.default_rng(1)
    target = np.tile([0, 1], EXAMS // 2 * len(sites))
    drawn = random.normal(np.where(target, 1, -1)[:, np.newaxis], np.sqrt(2), (len(target), 4 // repeats))
    log_odds = np.repeat(drawn, repeats, axis=1)
    return {
        "log_odds": log_odds.ravel(),
        "targets": np.repeat(target, 4),
        "patient": np.repeat([f"p{n}" for n in range(len(target))], 4),
        "position": np.tile(POSITIONS, len(target)),
        "site": np.repeat(sites, EXAMS * 4),
    }


def stored(path: Path, **arrays: Any) -> Path:  # noqa: ANN401 - arrays of any kind
    np.savez(path, **arrays)
    return path


def test_the_last_recording_of_a_position_counts_and_any_murmur_makes_the_exam_abnormal() -> None:
    exams = of_one_patient([5.0, -1.0, 2.0], [0, 0, 1], ["AV", "AV", "MV"])
    assert exams.summed.tolist() == [1.0]
    assert exams.highest.tolist() == [2.0]
    assert exams.is_abnormal.tolist() == [True]
    assert exams.is_complete.tolist() == [False]
    assert of_one_patient([1.0, 1.0, 1.0, 1.0], [0] * 4, list(POSITIONS)).is_complete.tolist() == [True]


def test_a_patient_may_have_several_exams_and_one_position_is_none() -> None:
    exams = of_one_patient([1.0, 2.0, 4.0, 8.0], [0] * 4, ["AV", "MV", "AV", "MV"], "aabb")
    assert exams.summed.tolist() == [3.0, 12.0]
    assert len(of_one_patient([1.0, 2.0], [0, 0], ["AV", "AV"], "aa").summed) == 0


@pytest.mark.parametrize(("repeats", "weight"), [(1, 1.0), (2, 0.5), (4, 0.25)])
def test_the_weight_is_less_the_more_the_positions_repeat_each_other(
    tmp_path: Path, repeats: int, weight: float
) -> None:
    exams = exam_report.read(stored(tmp_path / "p.npz", **predictions(repeats)))
    assert exam_figures.fit_weight(exams) == pytest.approx(weight, rel=0.15)


def test_thresholds_are_the_lowest_from_which_on_each_label_is_right_at_each_site(tmp_path: Path) -> None:
    arrays = predictions()
    exams = exam_report.read(stored(tmp_path / "p.npz", **arrays))
    score = exam_figures.fit_weight(exams) * exams.summed
    thresholds = exam_figures.fit_thresholds(score, exams)
    for label, side, right in (
        ("abnormal", score, exams.is_abnormal),
        ("normal", -score, ~exams.is_abnormal),
    ):
        threshold = getattr(thresholds, label)
        assert threshold is not None
        taken = side >= np.log(threshold / (1 - threshold))
        assert min(right[taken & (exams.sites == site)].mean() for site in ("one", "two")) >= 0.9
    wrong = exams.subset(exams.sites == "one")
    upside_down = exam_figures.fit_thresholds(-wrong.summed, wrong)
    assert (upside_down.normal, upside_down.abnormal) == (None, None)


def test_an_incomplete_exam_is_never_accepted_as_normal(tmp_path: Path) -> None:
    arrays = predictions()
    kept = arrays["position"] != "MV"
    exams = exam_report.read(
        stored(tmp_path / "p.npz", **{name: each[kept] for name, each in arrays.items()})
    )
    report = exam_figures.report(exams, resamples=20)
    assert report["thresholds"]["sum"]["normal"] is None
    assert report["sites"]["one"]["sum"]["normal"]["accepted"] == 0
    assert report["sites"]["one"]["sum"]["abnormal"]["accepted"] > 0


def test_the_sum_tells_more_than_the_strongest_position_where_each_has_noise_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exam_report.main(["--predictions", str(stored(tmp_path / "p.npz", **predictions()))]) == 0
    report = json.loads(capsys.readouterr().out)
    for site in report["sites"].values():
        assert site["sum"]["auc"] > site["any_all"]["auc"]
        assert site["sum"]["coverage"] > site["any_all"]["coverage"]
        assert site["sum"]["elsewhere"]["coverage"] > 0.5
        assert (site["sum"]["exams"], site["sum"]["abnormal_exams"]) == (EXAMS, EXAMS // 2)


def test_a_single_site_has_no_choice_of_others(tmp_path: Path) -> None:
    exams = exam_report.read(stored(tmp_path / "p.npz", **predictions(sites=("one",))))
    assert exam_figures.report(exams, resamples=20)["sites"]["one"]["sum"]["elsewhere"] is None


def test_a_file_that_is_no_predictions_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = predictions()
    text = tmp_path / "text.npz"
    text.write_text("no zip file")
    files = {
        "is not an .npz file": text,
        "lacks site": stored(tmp_path / "a.npz", **{name: whole[name] for name in exam_report.ARRAYS[:-1]}),
        "differ in length": stored(tmp_path / "b.npz", **(whole | {"site": names("one")})),
        "no normal or no abnormal": stored(tmp_path / "c.npz", **(whole | {"targets": 0 * whole["targets"]})),
        "No such file": tmp_path / "d.npz",
    }
    for expected, path in files.items():
        assert exam_report.main(["--predictions", str(path)]) == 2
        error = capsys.readouterr().err
        assert expected in error
        assert len(error.splitlines()) == 1
    with pytest.raises(ModelError):
        exam_report.read(text)
