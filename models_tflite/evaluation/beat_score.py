"""Scores of detected heart sounds and heart rates against annotated ones."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_worker.signal.heart_cycle import HeartCycle
from models_tflite.evaluation import metrics
from models_tflite.evaluation.annotation import S1, S2, TOLERANCE_S, Annotation
from models_tflite.evaluation.metrics import FloatArray

CLOSE_BPM: Final = 5.0
"""Largest error of a heart rate that counts as right."""
ONSET_FIGURES: Final[dict[str, Callable[[FloatArray], FloatArray]]] = {
    "f1": metrics.f1,
    "sensitivity": metrics.recall,
    "precision": metrics.precision,
}
RATES_BPM: Final = (100, 140, 180)
"""Limits between hearts whose rates are reported apart."""


@dataclass(frozen=True, slots=True)
class SegmentedRecording:
    """Annotated recording and the detected heart cycle."""

    heart_cycle: HeartCycle
    annotation: Annotation
    subject: str


def report(cases: Sequence[SegmentedRecording], resamples: int = metrics.RESAMPLES) -> dict[str, Any]:
    """Return scores of rates and onsets, with 95 % intervals of a bootstrap over subjects.

    Where the segmenter was not certain, the annotated onsets count as missed.
    """
    subjects = np.array([case.subject for case in cases])
    weights = metrics.group_weights(subjects, resamples)
    return {
        "recordings": len(cases),
        "subjects": len(set(subjects)),
        "heart_rate": _rates(cases, weights),
        "S1": _onsets(cases, S1, weights),
        "S2": _onsets(cases, S2, weights),
    }


def report_by_rate(
    cases: Sequence[SegmentedRecording], resamples: int = metrics.RESAMPLES
) -> dict[str, dict[str, Any]]:
    """Return the scores of `report`, apart for each range of annotated heart rates that occurs."""
    by_range: dict[int, list[SegmentedRecording]] = defaultdict(list)
    for case in cases:
        bpm = case.annotation.heart_rate_bpm()
        if bpm is not None:
            by_range[bisect_right(RATES_BPM, bpm)].append(case)
    return {_range_name(at): report(by_range[at], resamples) for at in sorted(by_range)}


def _range_name(at: int) -> str:
    lowest, below = (0, *RATES_BPM)[at], (*RATES_BPM, None)[at]
    return f"{lowest}_bpm_and_more" if below is None else f"{lowest}_to_{below}_bpm"


def match_onsets(
    detected: Sequence[float], annotation: Annotation, state: int
) -> tuple[list[float], int, int]:
    """Match detected onsets to the annotated ones of a state in time order, each once.

    Return the error (detected minus annotated) of each match in seconds, the number of missed onsets and the
    number of false ones. Onsets outside the annotated intervals are not counted.
    """
    unmatched, errors_s = list(detected), []
    annotated = annotation.onsets_s(state)
    for begin in annotated:
        nearest = min(unmatched, key=lambda onset: abs(onset - begin), default=np.inf)
        if abs(nearest - begin) <= TOLERANCE_S:
            unmatched.remove(nearest)
            errors_s.append(nearest - begin)
    return errors_s, len(annotated) - len(errors_s), sum(annotation.covers(onset) for onset in unmatched)


def _rates(cases: Sequence[SegmentedRecording], weights: FloatArray) -> dict[str, Any]:
    """Return scores of the heart rate of recordings with two annotated cycles or more.

    The rate is that of the whole recording, while often a part of it is annotated: `where_annotated` uses
    only the S1 detected in that part.
    """
    truth = _numbers(case.annotation.heart_rate_bpm() for case in cases)
    annotated_part = _numbers(case.annotation.rate_bpm(case.heart_cycle.s1_s) for case in cases)
    estimated = _numbers(case.heart_cycle.heart_rate_bpm for case in cases)
    known, answered = np.isfinite(truth), np.isfinite(truth) & np.isfinite(estimated)
    has_s1 = answered & np.array([bool(case.heart_cycle.s1_s) for case in cases])
    close = np.abs(estimated - truth) <= CLOSE_BPM
    draws = {
        "answered": metrics.share(answered, known, weights),
        "within_5_bpm_of_answered": metrics.share(close, answered, weights),
        "within_5_bpm_of_all": metrics.share(close, known, weights),
        "within_5_bpm_where_annotated": metrics.share(
            np.abs(annotated_part - truth) <= CLOSE_BPM, has_s1, weights
        ),
    }
    errors = np.abs(estimated - truth)[answered]
    return {
        "n": int(known.sum()),
        "median_error_bpm": metrics.number(np.median(errors)) if len(errors) else None,
        **_with_intervals(draws),
    }


def _onsets(cases: Sequence[SegmentedRecording], state: int, weights: FloatArray) -> dict[str, Any]:
    """Return scores of the onsets of a state."""
    matched = []
    confusions = np.zeros((len(cases), 2, 2))
    for case, counts in zip(cases, confusions, strict=True):
        detected = case.heart_cycle.s1_s if state == S1 else case.heart_cycle.s2_s
        errors_s, missed, extra = match_onsets(detected, case.annotation, state)
        matched += errors_s
        counts[:] = (0, extra), (missed, len(errors_s))
    drawn = np.tensordot(weights, confusions, axes=1)
    return {
        "n": int(confusions[:, 1].sum()),
        "median_error_ms": metrics.number(np.median(np.abs(matched)) * 1000) if matched else None,
        **_with_intervals({name: figure(drawn)[..., 1] for name, figure in ONSET_FIGURES.items()}),
    }


def _with_intervals(draws: dict[str, FloatArray]) -> dict[str, Any]:
    return {
        **{name: metrics.number(values[0]) for name, values in draws.items()},
        "intervals": {name: metrics.interval(values) for name, values in draws.items()},
    }


def _numbers(values: Iterable[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
