"""PDF report of one exam: a table of its positions, then each recording that counts in detail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from edge_worker.protocol.exam import LABEL_RULE, Exam
from edge_worker.protocol.exam_position import POSITIONS
from history_api.models.label_words import LabelWords
from history_api.reports.pdf_sheet import PdfSheet
from history_api.reports.recording_report import ReportedRecording, write_recording
from history_api.results import exam_words
from history_api.results.time_format import utc

_COLUMNS: Final = ("position", "label", "evidence", "models", "bpm", "recording", "review")
_WIDTHS: Final = (27.0, 22.0, 42.0, 34.0, 9.0, 30.0, 16.0)
"""mm"""


def pdf(exam: Exam, recordings: Sequence[ReportedRecording], words: LabelWords) -> bytes:
    """Return the report of an exam; `recordings` are those that count in it."""
    document = exam.document()
    times = [recording.changed_at for recording in recordings] or [document["last_captured_at"]]
    about = f"{document['device_id']} {document['exam']}"
    sheet = PdfSheet("Report of an exam", about, datetime.fromisoformat(max(times)))
    _write_facts(sheet, document, words)
    sheet.heading("Positions")
    sheet.row(_COLUMNS, _WIDTHS, "B")
    for position in document["positions"]:
        sheet.row(_row(position, words), _WIDTHS)
    for position in document["positions"]:
        hint = exam_words.hint(document, position)
        if hint:
            sheet.field(_position_name(position), hint)
    for recording in recordings:
        sheet.add_page()
        sheet.heading(f"At {recording.entry.meta.get('site') or 'a site that was not given'}")
        write_recording(sheet, recording, words)
    return sheet.finish()


def _position_name(position: dict[str, Any]) -> str:
    """Return the name of a position: `AV (aortic)`."""
    name = f" ({position['name']})" if position["name"] else ""
    return f"{position['site'] or 'site not given'}{name}"


def _write_facts(sheet: PdfSheet, document: dict[str, Any], words: LabelWords) -> None:
    sheet.heading(_label(document, words))
    alone = document["carried_by"]
    if alone is not None:
        sheet.paragraph(f"One position alone makes it so: {_position_name(alone)}.", "B")
    rate = document["heart_rate_bpm"]
    first, last = utc(document["first_captured_at"]), utc(document["last_captured_at"])
    usable = len(POSITIONS) - len(document["missing"])
    missing = ", ".join(f"{each} ({POSITIONS[each]})" for each in document["missing"])
    sheet.field("Exam", f"{document['exam']} of device {document['device_id']}")
    if "subject" in document:
        sheet.field("Subject", document["subject"])
    sheet.field("Captured", f"{first} to {last}")
    sheet.field("Positions", f"{usable} of {len(POSITIONS)} usable, {document['recordings']} recordings")
    sheet.field("Missing", missing or "none")
    sheet.field("Heart rate", "cannot tell" if rate is None else f"{rate:.0f} beats per minute (median)")
    sheet.field("Evidence", exam_words.together(document) or "cannot tell")
    sheet.field("Rule", LABEL_RULE)


def _label(document: dict[str, Any], words: LabelWords) -> str:
    """Return the answer of an exam, with its confidence: `Abnormal: needs attention, 93 %`."""
    if document["label"] == "inconclusive":
        return words.severity("unknown")
    share = document["confidence"]
    said = f"{words.of(document['label'])}: {words.severity(document['severity']).lower()}"
    return said if share is None else f"{said}, {exam_words.share_words(share)}"


def _row(position: dict[str, Any], words: LabelWords) -> tuple[str, ...]:
    rate, evidence = position["heart_rate_bpm"], position["evidence"]
    labels = [words.label(each["model"], each["label"]) for each in position["models"] if each["accepted"]]
    return (
        _position_name(position),
        words.of(position["label"]) if position["label"] else exam_words.position_label(position),
        "-" if evidence is None else f"{exam_words.evidence(evidence)} ({evidence:+.1f})",
        ", ".join(labels) or "-",
        "-" if rate is None else f"{rate:.0f}",
        position["recording_id"] or "-",
        position["review"] or "-",
    )
