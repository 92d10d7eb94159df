"""Results of recordings and streams, and the messages that announce them."""

import logging
from datetime import UTC, datetime

from edge_worker.analysis.pre_analysis import PreAnalysis
from edge_worker.database.outbox import OutboxMessage
from edge_worker.database.store import AnalysisResult, StoredRecording
from edge_worker.protocol import topics
from edge_worker.protocol.document_size import MAX_BYTES
from edge_worker.protocol.meta import ignored_fields
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Audio, EventFacts, Result
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)


def build_result(
    stored: StoredRecording,
    pre_analysis: PreAnalysis,
    predictions: tuple[Prediction, ...],
    reasons: tuple[str, ...],
    language: str,
) -> Result:
    """Return the result of a stored recording; its status follows from the predictions and the reasons.

    Its texts are in `language`.
    """
    is_error = "failed" in reasons or (not predictions and "unknown_model" in reasons)
    is_accepted = any(prediction.accepted for prediction in predictions)
    if not is_accepted and not reasons:
        reasons = ("unfamiliar_device" if any(map(_is_untaught, predictions)) else "low_confidence",)
    return Result(
        device_id=stored.device_id,
        recording_id=stored.recording_id,
        status="error" if is_error else "ok" if is_accepted else "inconclusive",
        completeness=stored.completeness,
        audio=Audio(stored.sample_rate, stored.channels, stored.samples, stored.audio_sha256),
        quality=pre_analysis.quality,
        captured_at=stored.captured_at,
        captured_at_source=stored.captured_at_source,
        captured_at_claimed=None if stored.captured_at_source == "device" else stored.meta.get("captured_at"),
        missing=tuple((start, end) for start, end in stored.missing),
        models=predictions,
        heart_rate_bpm=pre_analysis.heart_rate_bpm,
        heart_sounds=pre_analysis.heart_sounds,
        reasons=tuple(dict.fromkeys(reasons)),
        site=stored.meta.get("site"),
        exam=stored.exam,
        file_name=stored.meta.get("file_name"),
        subject=stored.subject,
        language=language,
        ignored_meta=ignored_fields(stored.meta),
        is_cut_off=stored.meta.get("cut_off") is True,
        event=None if stored.parent is None else EventFacts(stored.parent, stored.parent_start or 0),
    )


def _is_untaught(prediction: Prediction) -> bool:
    """Return whether a model accepts nothing on this stethoscope, because no known hearts proved it right."""
    is_proven = prediction.calibration is not None and "abnormal_hearts" in prediction.calibration
    return prediction.familiarity is not None and prediction.threshold >= 1 and not is_proven


def analysis_result(row: int | None, result: Result) -> AnalysisResult:
    """Return a result with the messages that announce it, to be saved; `row` is the id of its recording.

    Raises:
        ValueError: the recording was not saved: it has no row.
    """
    if row is None:
        raise ValueError(f"recording {result.recording_id} was not saved before it was analysed")
    document = result.to_json()
    published = document if len(document) <= MAX_BYTES else result.to_message()
    messages = (
        OutboxMessage(topics.result(result.device_id), published, retain=False),
        OutboxMessage(topics.device_result(result.device_id), result.to_compact_json(), retain=True),
    )
    return AnalysisResult(row, result, document.decode(), rfc3339(datetime.now(UTC)), messages)


def log_result(result: Result, took_ms: float) -> None:
    """Log a result on one line."""
    facts = {
        "device": result.device_id,
        "recording": result.recording_id,
        "status": result.status,
        "completeness": result.completeness,
        "verdict": result.verdict.label,
        "severity": result.verdict.severity,
        "reasons": ",".join(result.reasons) or None,
        "bpm": None if result.heart_rate_bpm is None else f"{result.heart_rate_bpm:.0f}",
        "rate_hz": result.audio.sample_rate,
        "samples": result.audio.samples,
        **{each.model: f"{each.label}:{each.confidence:.3f}" for each in result.models},
        "took_ms": f"{took_ms:.1f}",
    }
    _LOG.info(line("result", **facts))
