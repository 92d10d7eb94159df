"""How well found heart sounds and rates agree with annotated ones."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from edge_worker.signal.heart_cycle import HeartCycle
from models_tflite.evaluation import metrics
from models_tflite.evaluation.annotation import S1, S2, TOLERANCE_S, Annotation
from models_tflite.evaluation.metrics import FloatArray

CLOSE_BPM: Final = 5.0
MARKS: Final[dict[str, Callable[[FloatArray], FloatArray]]] = {
    "f1": metrics.f1,
    "sensitivity": metrics.recall,
    "precision": metrics.precision,
}


@dataclass(frozen=True, slots=True)
class SegmentedRecording:
    """One annotated recording and what was found in it."""

    found: HeartCycle
    annotation: Annotation
    subject: str


def report(cases: Sequence[SegmentedRecording], resamples: int = metrics.RESAMPLES) -> dict[str, Any]:
    """Return how right rates and marks are, with the 95 % intervals that a bootstrap over subjects gives.

    Where nothing was certain, the marks count as missed.
    """
    subjects = np.array([case.subject for case in cases])
    weights = metrics.group_weights(subjects, resamples)
    return {
        "recordings": len(cases),
        "subjects": len(set(subjects)),
        "heart_rate": _rates(cases, weights),
        "S1": _marks(cases, S1, weights),
        "S2": _marks(cases, S2, weights),
    }


def match_marks(found: Sequence[float], annotation: Annotation, state: int) -> tuple[list[float], int, int]:
    """Match found marks to annotated ones in time order, each once, and return what came of it.

    That is found minus annotated of each match in seconds, how many were missed, and how many were found
    too many; what is found outside the annotation says nothing.
    """
    left, errors_s = list(found), []
    annotated = annotation.onsets_s(state)
    for begin in annotated:
        nearest = min(left, key=lambda mark: abs(mark - begin), default=np.inf)
        if abs(nearest - begin) <= TOLERANCE_S:
            left.remove(nearest)
            errors_s.append(nearest - begin)
    return errors_s, len(annotated) - len(errors_s), sum(annotation.covers(mark) for mark in left)


def _rates(cases: Sequence[SegmentedRecording], weights: FloatArray) -> dict[str, Any]:
    """Return errors of the rate of recordings with two annotated cycles or more.

    The rate is of the whole recording, the annotation often of a part of it: `where_annotated` compares
    the S1 that were found there alone.
    """
    truth = _numbers(case.annotation.rate_bpm(case.annotation.onsets_s(S1)) for case in cases)
    there = _numbers(case.annotation.rate_bpm(case.found.s1_s) for case in cases)
    found = _numbers(case.found.heart_rate_bpm for case in cases)
    known, answered = np.isfinite(truth), np.isfinite(truth) & np.isfinite(found)
    beaten = answered & np.array([bool(case.found.s1_s) for case in cases])
    close = np.abs(found - truth) <= CLOSE_BPM
    draws = {
        "answered": metrics.share(answered, known, weights),
        "within_5_bpm_of_answered": metrics.share(close, answered, weights),
        "within_5_bpm_of_all": metrics.share(close, known, weights),
        "within_5_bpm_where_annotated": metrics.share(np.abs(there - truth) <= CLOSE_BPM, beaten, weights),
    }
    errors = np.abs(found - truth)[answered]
    return {
        "n": int(known.sum()),
        "median_error_bpm": metrics.number(np.median(errors)) if len(errors) else None,
        **_with_intervals(draws),
    }


def _marks(cases: Sequence[SegmentedRecording], state: int, weights: FloatArray) -> dict[str, Any]:
    matched = []
    confusions = np.zeros((len(cases), 2, 2))
    for case, counts in zip(cases, confusions, strict=True):
        found = case.found.s1_s if state == S1 else case.found.s2_s
        errors_s, missed, extra = match_marks(found, case.annotation, state)
        matched += errors_s
        counts[:] = (0, extra), (missed, len(errors_s))
    drawn = np.tensordot(weights, confusions, axes=1)
    return {
        "n": int(confusions[:, 1].sum()),
        "median_error_ms": metrics.number(np.median(np.abs(matched)) * 1000) if matched else None,
        **_with_intervals({name: figure(drawn)[..., 1] for name, figure in MARKS.items()}),
    }


def _with_intervals(draws: dict[str, FloatArray]) -> dict[str, Any]:
    return {
        **{name: metrics.number(values[0]) for name, values in draws.items()},
        "intervals": {name: metrics.interval(values) for name, values in draws.items()},
    }


def _numbers(values: Iterable[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
