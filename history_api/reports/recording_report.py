"""PDF report of one recording, and the sections that the reports of devices and exams share with it."""

import io
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from edge_worker import __version__
from edge_worker.database.recording_query import RecordingEntry
from edge_worker.database.reviewing.review import Review
from edge_worker.protocol.result import REASONS
from history_api.models.label_words import LabelWords
from history_api.pictures.wav_reader import Envelope
from history_api.pictures.waveform import Marks
from history_api.reports.pdf_sheet import PdfSheet
from history_api.results.kept_words import kept_words
from history_api.results.time_format import utc
from history_api.results.time_words import time_words

_MAX_BARS: Final = 5
"""Labels of a model that get a bar of their own; the others share one."""
_MAX_GAPS: Final = 6
_SPECTROGRAM_WIDTH: Final = 100.0
_PICTURES_HEIGHT: Final = 107.0
"""mm; with the answer, the bars of one model and the provenance they fit on one page."""


@dataclass(frozen=True, slots=True)
class AudioImages:
    """The waveform envelope and the spectrogram of a recording."""

    envelope: Envelope
    spectrogram: bytes
    """PNG."""


@dataclass(frozen=True, slots=True)
class ReportedRecording:
    """A recording with its result, its review and its images: the input of a report."""

    entry: RecordingEntry
    result: dict[str, Any] | None
    """As published; None while the recording is analysed."""
    review: Review | None
    images: AudioImages | None = None
    """None: the audio file was removed, is damaged, or is not to be shown."""

    @property
    def changed_at(self) -> str:
        """Time of the last change (RFC 3339). Reports carry it as their date, so they are reproducible."""
        analysed = self.entry.analysed_at or self.entry.received_at
        return max(analysed, self.review.reviewed_at) if self.review else analysed


def pdf(recording: ReportedRecording, words: LabelWords) -> bytes:
    """Return the report of one recording."""
    about = f"{recording.entry.device_id} {recording.entry.recording_id}"
    sheet = PdfSheet("Report of a recording", about, datetime.fromisoformat(recording.changed_at))
    write_recording(sheet, recording, words)
    return sheet.finish()


def write_recording(sheet: PdfSheet, recording: ReportedRecording, words: LabelWords) -> None:
    """Write all sections of a recording: the answer, facts, result, images, provenance."""
    if recording.result is not None:
        _write_answer(sheet, recording.result, words)
        correction = words.correction(recording.review)
        if correction is not None:
            sheet.paragraph(f"{correction}.", "B")
    _write_facts(sheet, recording)
    if recording.result is None:
        sheet.heading("Result")
        sheet.paragraph("None yet: the recording is being analysed.")
    else:
        _write_result(sheet, recording.result, words)
    _write_images(sheet, recording)
    _write_provenance(sheet, recording)


def _write_answer(sheet: PdfSheet, result: dict[str, Any], words: LabelWords) -> None:
    """Write the one answer of the recording, before everything else."""
    verdict = result["verdict"]
    said, severity = words.headline(result), words.severity(verdict["severity"])
    share = "" if verdict["confidence"] is None else f", confidence {verdict['confidence']:.3f}"
    sheet.heading(
        said if verdict["label"] is None else f"{said}: {severity[:1].lower()}{severity[1:]}{share}"
    )
    contradiction = words.disagreement(result)
    if contradiction is not None:
        sheet.paragraph(f"{contradiction}.", "B")
    if verdict["label"] is not None:
        explanation = words.explanation(verdict["model"], verdict["label"])
        if explanation:
            sheet.paragraph(explanation)


def _write_facts(sheet: PdfSheet, recording: ReportedRecording) -> None:
    entry, review = recording.entry, recording.review
    sheet.field("Recording", f"{entry.recording_id} of device {entry.device_id}")
    if entry.meta.get("subject"):
        sheet.field("Subject", str(entry.meta["subject"]))
    if entry.meta.get("file_name"):
        sheet.field("File", str(entry.meta["file_name"]))
    sheet.field("Captured", f"{utc(entry.captured_at)}, {time_words(entry)}")
    sheet.field("Site", str(entry.meta.get("site") or "not given"))
    length = f"{entry.samples / entry.sample_rate:.2f} s at {entry.sample_rate} Hz"
    sheet.field("Sound", f"{length}, {entry.channels} channel{'s' * (entry.channels > 1)}")
    kept = kept_words(entry)
    if kept:
        sheet.field("Kept", kept)
    early = "; ended early: the stethoscope lost power" if entry.meta.get("cut_off") is True else ""
    sheet.field("Completeness", _completeness(entry) + early)
    if review is None:
        sheet.field("Review", "none: no person has confirmed or rejected this result")
    else:
        sheet.field("Review", f"{review.verdict} by {review.reviewer}, {utc(review.reviewed_at)}")
        if review.finding:
            sheet.field("Known by other means", review.finding)
        if review.note:
            sheet.field("Note", review.note)


def _completeness(entry: RecordingEntry) -> str:
    if not entry.missing:
        return "complete"
    lost_s = sum(end - begin for begin, end in entry.missing) / entry.sample_rate
    gaps = [
        f"{begin / entry.sample_rate:.2f} to {end / entry.sample_rate:.2f} s"
        for begin, end in islice(entry.missing, _MAX_GAPS)
    ]
    more = f" and {len(entry.missing) - len(gaps)} more" if len(entry.missing) > len(gaps) else ""
    return f"partial: {lost_s:.2f} s did not arrive ({', '.join(gaps)}{more})"


def _write_result(sheet: PdfSheet, result: dict[str, Any], words: LabelWords) -> None:
    sheet.heading("Result")
    rate = result.get("heart_rate_bpm")
    sheet.field("Heart rate", "cannot tell" if rate is None else f"{rate:.0f} beats per minute")
    sheet.field("Quality", _quality(result["quality"]))
    for reason in result["reasons"]:
        sheet.field("Reason", REASONS.get(reason, reason))
    for prediction in result["models"]:
        _write_prediction(sheet, prediction, words)
    if result["models"]:
        sheet.ln(1)
        sheet.paragraph("Bars: probability. Line across them: threshold from which a label is accepted.")


def _write_prediction(sheet: PdfSheet, prediction: dict[str, Any], words: LabelWords) -> None:
    model, threshold = prediction["model"], prediction["threshold"]
    ranked = sorted(prediction["probabilities"].items(), key=lambda item: item[1], reverse=True)
    sheet.ln(2)
    sheet.paragraph(f"{words.model(model)}: {_label(prediction, words)}", "B")
    for label, share in ranked[:_MAX_BARS]:
        sheet.probability_bar(words.label(model, label), share, threshold)
    rest = 1 - sum(share for _, share in ranked[:_MAX_BARS])
    if rest > 0.0005:  # noqa: PLR2004 - less is printed as 0.000
        sheet.probability_bar("all other labels", rest, threshold)


def _label(prediction: dict[str, Any], words: LabelWords) -> str:
    label = words.label(prediction["model"], prediction["label"])
    if prediction["accepted"]:
        return f"{label} ({prediction['confidence']:.3f}, accepted)"
    return (
        f"cannot tell (likeliest {label}, {prediction['confidence']:.3f}; "
        f"accepted from {prediction['threshold']:g} on, of usable sound)"
    )


def _quality(quality: dict[str, Any]) -> str:
    parts = ["usable" if quality["usable"] else "not usable"]
    if quality.get("score") is not None:
        parts.append(f"score {quality['score']:.2f} of 1")
    if quality.get("snr_db") is not None:
        parts.append(f"signal to noise {quality['snr_db']:.0f} dB")
    return ", ".join([*parts, f"{quality['clipped']:.1%} of the samples at full scale"])


def _write_images(sheet: PdfSheet, recording: ReportedRecording) -> None:
    sheet.heading("Waveform and spectrogram", room=_PICTURES_HEIGHT)
    images = recording.images
    if images is None:
        sheet.paragraph("The audio file was removed or is damaged; the result above was made before that.")
        return
    sheet.waveform(images.envelope, Marks.from_result(recording.entry, recording.result))
    hatched = " Hatched: sound that did not arrive." if recording.entry.missing else ""
    sheet.paragraph(f"S1 above, S2 below: onsets of the heart sounds that the worker detected.{hatched}")
    sheet.image(io.BytesIO(images.spectrogram), w=_SPECTROGRAM_WIDTH, alt_text="Spectrogram")


def _write_provenance(sheet: PdfSheet, recording: ReportedRecording) -> None:
    entry = recording.entry
    sheet.heading("Provenance")
    for prediction in (recording.result or {}).get("models", []):
        sheet.field(
            f"Model {prediction['model']}", f"{prediction['version']}, SHA-256 {prediction['sha256']}"
        )
    sheet.field("Audio", f"SHA-256 {entry.audio_sha256}")
    sheet.field("Analysed", utc(entry.analysed_at) if entry.analysed_at else "not yet")
    sheet.field("Software", f"Stetho Edge {__version__}")
