"""Reasons of a result that accepts nothing: unsure, or on a stethoscope that the model does not know."""

from typing import Any

import pytest

from edge_worker.analysis.pre_analysis import PreAnalysis
from edge_worker.analysis.recording_result import build_result
from edge_worker.database.store import StoredRecording
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import REASONS, Quality

GOOD = Quality(usable=True, snr_db=20.0, clipped=0.0)


def stored() -> StoredRecording:
    return StoredRecording(
        device_id="st-01",
        recording_id="0123456789abcdef",
        received_at="2026-11-20T10:00:00.000Z",
        captured_at="2026-11-20T10:00:00.000Z",
        captured_at_source="device",
        completeness="complete",
        missing=(),
        sample_rate=4000,
        channels=1,
        samples=32_000,
        audio_sha256="0" * 64,
        audio_file="audio/st-01/0123456789abcdef.wav",
        meta={},
    )


def prediction(
    familiarity: float | None,
    calibration: dict[str, Any] | None = None,
    *,
    accepted: bool = False,
    threshold: float = 0.9,
) -> Prediction:
    return Prediction(
        model="heart2",
        version="3.0.0",
        sha256="0" * 64,
        label="normal",
        confidence=0.7,
        threshold=threshold,
        accepted=accepted,
        probabilities={"normal": 0.7, "abnormal": 0.3},
        windows=5,
        took_ms=1.0,
        familiarity=familiarity,
        calibration=calibration,
    )


HEALTHY = {"hearts": 5, "shift": 0.3, "calibrated_at": "2026-11-20T10:00:00.000Z"}


@pytest.mark.parametrize(
    ("familiarity", "threshold", "calibration", "reason"),
    [
        (0.1, 1.0, None, "unfamiliar_device"),
        (0.9, 1.0, None, "unfamiliar_device"),
        (0.1, 1.0, {"outdated": True}, "unfamiliar_device"),
        (0.1, 1.0, HEALTHY, "unfamiliar_device"),
        (0.1, 1.0, HEALTHY | {"abnormal_hearts": 30}, "low_confidence"),
        (0.1, 0.9, None, "low_confidence"),
        (None, 0.9, None, "low_confidence"),
    ],
)
def test_a_stethoscope_that_nothing_proved_is_named_as_the_reason(
    familiarity: float | None, threshold: float, calibration: dict[str, Any] | None, reason: str
) -> None:
    predictions = (prediction(familiarity, calibration, threshold=threshold), prediction(None))

    result = build_result(stored(), PreAnalysis(GOOD, GOOD), predictions, (), "en")

    assert (result.status, result.reasons) == ("inconclusive", (reason,))
    assert result.document()["hints"] == [REASONS[reason]]


def test_no_reason_is_given_where_a_label_is_accepted_or_another_reason_is_known() -> None:
    unknown, accepted = prediction(0.1), prediction(0.1, accepted=True)

    assert build_result(stored(), PreAnalysis(GOOD, GOOD), (unknown, accepted), (), "en").reasons == ()
    assert build_result(stored(), PreAnalysis(GOOD, GOOD), (unknown,), ("noisy",), "en").reasons == ("noisy",)
