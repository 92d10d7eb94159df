"""PDF report of one recording, and the sections that the reports of devices and exams share with it."""

import io
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from edge_worker import __version__
from edge_worker.database.recording_query import RecordingEntry
from edge_worker.database.reviewing.review import Review
from history_api.models.label_words import LabelWords
from history_api.pictures.wav_reader import Envelope
from history_api.pictures.waveform import Marks
from history_api.reports.pdf_sheet import BarChart, PdfSheet
from history_api.results.kept_words import kept_words
from history_api.results.local_time import local_and_utc
from history_api.results.time_words import time_words
from history_api.results.translation import Say

_MAX_BARS: Final = 5
"""Labels of a model that get a bar of their own; the others share one."""
_MAX_GAPS: Final = 6
_MAX_BARS_OF_MANY: Final = 3
_FEW_MODELS: Final = 2
"""Models whose bars leave room for the pictures on the same page."""
_WAVEFORM_ROOM: Final = 50.0
_SPECTROGRAM_LEAST: Final = 24.0
_SPECTROGRAM_MOST: Final = 62.0
"""mm"""
_PROVENANCE_HEAD: Final = 9.0
_PROVENANCE_LINE: Final = 3.6
_PROVENANCE_LINES: Final = 3
"""Beside one for each model."""


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
    say = Say(words.language)
    sheet = PdfSheet(say("Report of a recording"), about, datetime.fromisoformat(recording.changed_at), say)
    write_recording(sheet, recording, words)
    return sheet.finish()


def write_recording(
    sheet: PdfSheet, recording: ReportedRecording, words: LabelWords, *, longest_note: int | None = None
) -> None:
    """Write all sections of a recording: the answer, facts, result, images, provenance.

    With one or two models that is one page, unless the note is long: more than `longest_note` of it is cut.
    """
    if recording.result is not None:
        _write_answer(sheet, recording, recording.result, words)
    _write_facts(sheet, recording, longest_note)
    if recording.result is None:
        sheet.heading(sheet.say("Result"))
        sheet.paragraph(sheet.say("None yet: the recording is being analysed."))
    else:
        _write_result(sheet, recording.result, words)
    _write_images(sheet, recording)
    _write_provenance(sheet, recording)


def _write_answer(
    sheet: PdfSheet, recording: ReportedRecording, result: dict[str, Any], words: LabelWords
) -> None:
    """Write the one answer of the recording, before everything else."""
    verdict, say = result["verdict"], sheet.say
    said, severity = words.headline(result), words.severity(verdict["severity"])
    share = "" if verdict["confidence"] is None else f"{verdict['confidence']:.3f}"
    share = say(", confidence {share}", share=share) if share else ""
    answer = said if verdict["label"] is None else f"{said}: {severity[:1].lower()}{severity[1:]}{share}"
    sheet.heading(answer, size=14)
    correction = words.correction(recording.review)
    if correction is not None:
        sheet.paragraph(f"{correction}.", "B", 11)
    contradiction = words.disagreement(result)
    if contradiction is not None:
        sheet.paragraph(f"{contradiction}.", "B")
    if verdict["label"] is not None:
        explanation = words.explanation(verdict["model"], verdict["label"])
        if explanation:
            sheet.paragraph(explanation)


def _write_facts(sheet: PdfSheet, recording: ReportedRecording, longest_note: int | None) -> None:
    entry, say = recording.entry, sheet.say
    sheet.ln(1)
    which = say("{recording} of device {device}", recording=entry.recording_id, device=entry.device_id)
    sheet.field("Recording", which)
    if entry.meta.get("subject"):
        sheet.field("Subject", str(entry.meta["subject"]))
    if entry.meta.get("file_name"):
        sheet.field("File", str(entry.meta["file_name"]))
    captured = local_and_utc(entry.captured_at, say.language)
    sheet.field("Captured", f"{captured}, {time_words(entry, say)}")
    sheet.field("Site", str(entry.meta.get("site") or say("not given")))
    length, rate = f"{entry.samples / entry.sample_rate:.2f}", entry.sample_rate
    mono, both = "{length} s at {rate} Hz, mono", "{length} s at {rate} Hz, two channels"
    sheet.field("Sound", say(both if entry.channels > 1 else mono, length=length, rate=rate))
    kept = kept_words(entry, say)
    if kept:
        sheet.field("Kept", kept)
    is_cut = entry.meta.get("cut_off") is True
    early = say("; ended early: the stethoscope lost power") if is_cut else ""
    sheet.field("Completeness", _completeness(entry, say) + early)
    _write_review(sheet, recording.review, longest_note)


def _write_review(sheet: PdfSheet, review: Review | None, longest_note: int | None) -> None:
    say = sheet.say
    if review is None:
        sheet.field("Review", say("none: no person has confirmed or rejected this result"))
        return
    time = local_and_utc(review.reviewed_at, say.language)
    verdict = say(review.verdict)
    sheet.field(
        "Review", say("{verdict} by {reviewer}, {time}", verdict=verdict, reviewer=review.reviewer, time=time)
    )
    if review.finding:
        sheet.field("Known by other means", say(review.finding))
    if review.note:
        note = " ".join(review.note.split())
        if longest_note is not None and len(note) > longest_note:
            note = say("{note} … (the page of the recording has all of it)", note=note[:longest_note])
        sheet.field("Note", note)


def _completeness(entry: RecordingEntry, say: Say) -> str:
    if not entry.missing:
        return say("complete")
    lost_s = sum(end - begin for begin, end in entry.missing) / entry.sample_rate
    gaps = [
        say(
            "{begin} to {end} s",
            begin=f"{begin / entry.sample_rate:.2f}",
            end=f"{end / entry.sample_rate:.2f}",
        )
        for begin, end in islice(entry.missing, _MAX_GAPS)
    ]
    listed = ", ".join(gaps)
    if len(entry.missing) > len(gaps):
        listed = say("{listed} and {more} more", listed=listed, more=len(entry.missing) - len(gaps))
    return say("partial: {lost} s did not arrive ({gaps})", lost=f"{lost_s:.2f}", gaps=listed)


def _write_result(sheet: PdfSheet, result: dict[str, Any], words: LabelWords) -> None:
    say, rate = sheet.say, result.get("heart_rate_bpm")
    sheet.heading(say("Result"))
    beats = say("cannot tell") if rate is None else say("{rate} beats per minute", rate=f"{rate:.0f}")
    sheet.field("Heart rate", beats)
    sheet.field("Quality", _quality(result["quality"], say))
    for hint in words.hints(result):
        sheet.field("Reason", hint)
    predictions = result["models"]
    if predictions:
        most = _MAX_BARS if len(predictions) <= _FEW_MODELS else _MAX_BARS_OF_MANY
        sheet.ln(1)
        sheet.charts([_chart(each, words, say, most) for each in predictions])
        sheet.paragraph(
            say("Bars: probability. Line across them: threshold from which a label is accepted."), size=8
        )


def _chart(prediction: dict[str, Any], words: LabelWords, say: Say, most: int) -> BarChart:
    model = prediction["model"]
    ranked = sorted(prediction["probabilities"].items(), key=lambda item: item[1], reverse=True)[:most]
    shares = [(words.label(model, label), share) for label, share in ranked]
    rest = 1 - sum(share for _, share in ranked)
    if rest > 0.0005:  # noqa: PLR2004 - less is printed as 0.000
        shares.append((say("all other labels"), rest))
    return BarChart(
        f"{words.model(model)}: {_label(prediction, words, say)}", shares, prediction["threshold"]
    )


def _label(prediction: dict[str, Any], words: LabelWords, say: Say) -> str:
    label, share = words.label(prediction["model"], prediction["label"]), f"{prediction['confidence']:.3f}"
    if prediction["accepted"]:
        return say("{label} ({share}, accepted)", label=label, share=share)
    if prediction["threshold"] >= 1:
        return say(
            "cannot tell (likeliest {label}, {share}; none is accepted on this stethoscope until known "
            "hearts prove it right by a calibration)",
            label=label,
            share=share,
        )
    return say(
        "cannot tell (likeliest {label}, {share}; accepted from {threshold} on, of usable sound)",
        label=label,
        share=share,
        threshold=f"{prediction['threshold']:g}",
    )


def _quality(quality: dict[str, Any], say: Say) -> str:
    parts = [say("usable") if quality["usable"] else say("not usable")]
    if quality.get("score") is not None:
        parts.append(say("score {score} of 1", score=f"{quality['score']:.2f}"))
    if quality.get("snr_db") is not None:
        parts.append(say("signal to noise {decibels} dB", decibels=f"{quality['snr_db']:.0f}"))
    clipped = f"{quality['clipped']:.1%}"
    return ", ".join([*parts, say("{share} of the samples at full scale", share=clipped)])


def _write_images(sheet: PdfSheet, recording: ReportedRecording) -> None:
    say, images = sheet.say, recording.images
    sheet.heading(say("Waveform and spectrogram"), room=_WAVEFORM_ROOM)
    if images is None:
        sheet.paragraph(
            say("The audio file was removed or is damaged; the result above was made before that.")
        )
        return
    sheet.waveform(images.envelope, Marks.from_result(recording.entry, recording.result))
    hatched = say(" Hatched: sound that did not arrive.") if recording.entry.missing else ""
    marks = say("S1 above, S2 below: onsets of the heart sounds that the worker detected.")
    sheet.paragraph(f"{marks}{hatched}", size=8)
    # As large as the rest of the page lets it be: with the provenance below everything stays on one page.
    left = sheet.room - _provenance_height(recording)
    if left < _SPECTROGRAM_LEAST:
        sheet.add_page()
        left = _SPECTROGRAM_MOST
    height = min(left, _SPECTROGRAM_MOST)
    sheet.image(io.BytesIO(images.spectrogram), h=height, alt_text=say("Spectrogram"))


def _provenance_height(recording: ReportedRecording) -> float:
    lines = len((recording.result or {}).get("models", [])) + _PROVENANCE_LINES
    return _PROVENANCE_HEAD + _PROVENANCE_LINE * lines


def _write_provenance(sheet: PdfSheet, recording: ReportedRecording) -> None:
    entry, say = recording.entry, sheet.say
    sheet.heading(say("Provenance"), room=_provenance_height(recording), size=9)
    facts = [
        (say("Model {model}", model=each["model"]), f"{each['version']}, SHA-256 {each['sha256']}")
        for each in (recording.result or {}).get("models", [])
    ]
    analysed = local_and_utc(entry.analysed_at, say.language) if entry.analysed_at else say("not yet")
    facts += [("Audio", f"SHA-256 {entry.audio_sha256}"), ("Analysed", analysed)]
    facts.append(("Software", f"Stetho Edge {__version__}"))
    for name, value in facts:
        sheet.field(name, value, size=7)
