"""What a report says: of one recording, or of the last ones of a device."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from edge_worker import __version__
from edge_worker.database.history import RecordingEntry, Review
from edge_worker.protocol.result import REASONS
from history_api.pictures.wav_reader import Envelope
from history_api.pictures.waveform import Marks
from history_api.reports.pdf_sheet import WIDTH, PdfSheet

_BARS: Final = 5
_HEAD: Final = ("captured (UTC)", "recording", "site", "labels", "bpm", "person")
_WIDTHS: Final = (36.0, 32.0, 14.0, 66.0, 12.0, 20.0)


@dataclass(frozen=True, slots=True)
class Sight:
    """What can be seen of a sound."""

    envelope: Envelope
    spectrogram: bytes
    """PNG"""


@dataclass(frozen=True, slots=True)
class Case:
    """A recording and all that was said of it."""

    entry: RecordingEntry
    result: dict[str, Any] | None
    review: Review | None
    sight: Sight | None = None
    """None: the sound was removed, or is not shown."""

    @property
    def changed_at(self) -> str:
        """When anything here was last said: it makes reports repeatable."""
        said = self.entry.analysed_at or self.entry.received_at
        return max(said, self.review.reviewed_at) if self.review else said


def of_recording(case: Case) -> bytes:
    """Return the report of one recording as PDF."""
    paper = PdfSheet("Report of a recording", datetime.fromisoformat(case.changed_at))
    write(paper, case)
    return bytes(paper.output())


def of_device(cases: Sequence[Case]) -> bytes:
    """Return the report of a device as PDF: its recordings, newest first, and the newest in detail."""
    newest = cases[0]
    made_at = max(case.changed_at for case in cases)
    paper = PdfSheet(f"Report of device {newest.entry.device_id}", datetime.fromisoformat(made_at))
    paper.heading(f"Last recordings: {len(cases)}")
    paper.row(_HEAD, _WIDTHS, "B")
    for case in cases:
        paper.row(_row(case), _WIDTHS)
    paper.add_page()
    paper.heading("The newest")
    write(paper, newest)
    return bytes(paper.output())


def write(paper: PdfSheet, case: Case) -> None:
    """Write all that is known of a recording."""
    _facts(paper, case)
    if case.result is None:
        paper.heading("Result")
        paper.line_of("None yet: the recording is being analysed.")
    else:
        _result(paper, case.result)
    _sight(paper, case)
    _trace(paper, case)


def _facts(paper: PdfSheet, case: Case) -> None:
    entry = case.entry
    clock = "by the clock of the device" if entry.captured_at_source == "device" else "when it was received"
    paper.fact("Recording", f"{entry.recording_id} of device {entry.device_id}")
    paper.fact("Captured", f"{utc(entry.captured_at)}, {clock}")
    paper.fact("Site", str(entry.meta.get("site") or "not said"))
    length = f"{entry.samples / entry.sample_rate:.2f} s at {entry.sample_rate} Hz"
    paper.fact("Sound", f"{length}, {entry.channels} channel{'s' * (entry.channels > 1)}")
    paper.fact("Completeness", _completeness(entry))
    if case.review is None:
        paper.fact("Review", "none: no person has confirmed or rejected this result")
    else:
        review = case.review
        paper.fact("Review", f"{review.verdict} by {review.reviewer}, {utc(review.reviewed_at)}")
        if review.note:
            paper.fact("Note", review.note)


def _completeness(entry: RecordingEntry) -> str:
    if not entry.missing:
        return "complete"
    lost_s = sum(end - begin for begin, end in entry.missing) / entry.sample_rate
    first = [
        f"{begin / entry.sample_rate:.2f} to {end / entry.sample_rate:.2f} s"
        for begin, end in islice(entry.missing, 6)
    ]
    rest = f" and {len(entry.missing) - len(first)} more" if len(entry.missing) > len(first) else ""
    return f"partial: {lost_s:.2f} s never came ({', '.join(first)}{rest})"


def _result(paper: PdfSheet, result: dict[str, Any]) -> None:
    paper.heading("Result")
    rate = result.get("heart_rate_bpm")
    paper.fact("Heart rate", "cannot tell" if rate is None else f"{rate:.0f} beats per minute")
    paper.fact("Quality", _quality(result["quality"]))
    for reason in result["reasons"]:
        paper.fact("Reason", REASONS.get(reason, reason))
    for prediction in result["models"]:
        paper.ln(2)
        paper.line_of(f"{prediction['model']}: {_said(prediction)}", "B")
        ranked = sorted(prediction["probabilities"].items(), key=lambda item: item[1], reverse=True)
        for label, share in ranked[:_BARS]:
            paper.bar(label, share, prediction["threshold"])
        rest = 1 - sum(share for _, share in ranked[:_BARS])
        if rest > 0.0005:  # noqa: PLR2004 - it would be shown as 0.000
            paper.bar("anything else", rest, prediction["threshold"])
    if result["models"]:
        paper.ln(1)
        paper.line_of("Bars: probability. Stroke across them: from here on a label is accepted.")


def _said(prediction: dict[str, Any]) -> str:
    if prediction["accepted"]:
        return f"{prediction['label']} ({prediction['confidence']:.3f}, accepted)"
    return (
        f"cannot tell (likeliest {prediction['label']}, {prediction['confidence']:.3f}; "
        f"accepted from {prediction['threshold']:g} on, of usable sound)"
    )


def _quality(quality: dict[str, Any]) -> str:
    parts = ["usable" if quality["usable"] else "not usable"]
    if quality.get("score") is not None:
        parts.append(f"score {quality['score']:.2f} of 1")
    if quality.get("snr_db") is not None:
        parts.append(f"signal to noise {quality['snr_db']:.0f} dB")
    return ", ".join([*parts, f"{quality['clipped']:.1%} of the samples at full scale"])


def _sight(paper: PdfSheet, case: Case) -> None:
    paper.heading("Wave and spectrogram", room=135)
    if case.sight is None:
        paper.line_of("The audio file was removed or is damaged; the result above is of the sound as it was.")
        return
    paper.wave(case.sight.envelope, Marks.of(case.entry, case.result))
    hatched = " Hatched: sound that never came." if case.entry.missing else ""
    paper.line_of(f"S1 above, S2 below: where heart sounds begin, as the worker heard them.{hatched}")
    paper.image(io.BytesIO(case.sight.spectrogram), w=WIDTH, alt_text="Spectrogram")


def _trace(paper: PdfSheet, case: Case) -> None:
    paper.heading("Where this comes from")
    for prediction in (case.result or {}).get("models", []):
        paper.fact(f"Model {prediction['model']}", f"{prediction['version']}, SHA-256 {prediction['sha256']}")
    paper.fact("Audio", f"SHA-256 {case.entry.audio_sha256}")
    paper.fact("Analysed", utc(case.entry.analysed_at) if case.entry.analysed_at else "not yet")
    paper.fact("Software", f"Stetho Edge {__version__}")


def _row(case: Case) -> tuple[str, ...]:
    entry, result = case.entry, case.result or {}
    rate = result.get("heart_rate_bpm")
    said = [f"{each['model']} {each['label']}" for each in result.get("models", []) if each["accepted"]]
    return (
        utc(entry.captured_at)[:-4],
        entry.recording_id,
        str(entry.meta.get("site") or "-"),
        ", ".join(said) or ("cannot tell" if case.result else "being analysed"),
        "-" if rate is None else f"{rate:.0f}",
        case.review.verdict if case.review else "-",
    )


def utc(time: str) -> str:
    """Return a time of the database as people write it, to the second."""
    return f"{time[:10]} {time[11:19]} UTC"
