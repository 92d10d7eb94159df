"""PDF report of one exam: a table of its positions, then each recording that counts in detail."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from edge_worker.protocol.exam import LABEL_RULE, Exam
from edge_worker.protocol.exam_position import POSITIONS
from history_api.models.label_words import LabelWords
from history_api.reports import pdf_chest
from history_api.reports.pdf_sheet import WIDTH, PdfSheet
from history_api.reports.recording_report import ReportedRecording, write_recording
from history_api.results import exam_words
from history_api.results.local_time import local_and_utc
from history_api.results.translation import Say

_COLUMNS: Final = ("position", "label", "evidence", "models", "bpm", "recording", "review")
_WIDTHS: Final = (30.0, 24.0, 37.0, 32.0, 11.0, 28.0, 18.0)
_FACTS_WIDTH: Final = WIDTH - pdf_chest.WIDTH - 4
"""mm"""
_LONGEST_NOTE: Final = 240
"""Of a recording, so that it keeps to its page."""


def pdf(exam: Exam, recordings: Sequence[ReportedRecording], words: LabelWords) -> bytes:
    """Return the report of an exam; `recordings` are those that count in it."""
    document, say = exam.document(), Say(words.language)
    times = [recording.changed_at for recording in recordings] or [document["last_captured_at"]]
    about = f"{document['device_id']} {document['exam']}"
    sheet = PdfSheet(say("Report of an exam"), about, datetime.fromisoformat(max(times)), say)
    _write_facts(sheet, document, words)
    sheet.heading(say("Positions"))
    sheet.row([say(each) for each in _COLUMNS], _WIDTHS, "B")
    for position in document["positions"]:
        sheet.row(_row(position, words, say), _WIDTHS)
    sheet.ln(1)
    for position in document["positions"]:
        hint = exam_words.hint(document, position)
        if hint:
            sheet.field(_position_name(position, say), say(hint))
    sheet.ln(1)
    sheet.field("Rule", say(LABEL_RULE), size=8)
    for recording in recordings:
        sheet.add_page()
        site = str(recording.entry.meta.get("site") or say("a site that was not given"))
        sheet.heading(say("At {site}", site=site))
        write_recording(sheet, recording, words, longest_note=_LONGEST_NOTE)
    return sheet.finish()


def _position_name(position: dict[str, Any], say: Say) -> str:
    """Return the name of a position: `AV (aortic)`."""
    name = f" ({say(position['name'])})" if position["name"] else ""
    return f"{position['site'] or say('site not given')}{name}"


def _write_facts(sheet: PdfSheet, document: dict[str, Any], words: LabelWords) -> None:
    """Write the answer and the facts, with the chest beside them."""
    say = sheet.say
    sheet.heading(_label(document, words, say), size=14)
    alone = document["carried_by"]
    if alone is not None:
        sheet.paragraph(
            say("One position alone makes it so: {position}.", position=_position_name(alone, say)), "B"
        )
    sheet.ln(1)
    top, rate = sheet.get_y(), document["heart_rate_bpm"]
    pdf_chest.draw(sheet, document, sheet.l_margin + _FACTS_WIDTH + 4, top)
    sheet.set_xy(sheet.l_margin, top)
    sheet.set_right_margin(sheet.w - sheet.l_margin - _FACTS_WIDTH)
    first, last = (
        local_and_utc(document[name], say.language) for name in ("first_captured_at", "last_captured_at")
    )
    usable, whole = len(POSITIONS) - len(document["missing"]), len(POSITIONS)
    missing = ", ".join(f"{each} ({say(POSITIONS[each])})" for each in document["missing"])
    sheet.field("Exam", say("{exam} of device {device}", exam=document["exam"], device=document["device_id"]))
    if "subject" in document:
        sheet.field("Subject", document["subject"])
    sheet.field("Captured", first if first == last else say("{first} to {last}", first=first, last=last))
    counts = {"usable": usable, "all": whole, "recordings": document["recordings"]}
    sheet.field("Positions", say("{usable} of {all} usable, {recordings} recordings", **counts))
    sheet.field("Missing", missing or say("none"))
    beats = "{rate} beats per minute (median)"
    sheet.field("Heart rate", say("cannot tell") if rate is None else say(beats, rate=f"{rate:.0f}"))
    sheet.field("Evidence", exam_words.together(document, say) or say("cannot tell"))
    sheet.set_right_margin(sheet.l_margin)
    sheet.set_xy(sheet.l_margin, max(sheet.get_y(), top + pdf_chest.HEIGHT))
    sheet.paragraph(
        say("Seen from the front. Check mark: normal; !: abnormal; ?: not sure alone; dash: missing."), size=8
    )


def _label(document: dict[str, Any], words: LabelWords, say: Say) -> str:
    """Return the answer of an exam, with its confidence: `Abnormal: needs attention, 93 %`."""
    if document["label"] == "inconclusive":
        return words.severity("unknown")
    share, severity = document["confidence"], words.severity(document["severity"])
    said = f"{words.of(document['label'])}: {severity[:1].lower()}{severity[1:]}"
    return said if share is None else f"{said}, {say(exam_words.share_words(share))}"


def _row(position: dict[str, Any], words: LabelWords, say: Say) -> tuple[str, ...]:
    rate, evidence = position["heart_rate_bpm"], position["evidence"]
    labels = [words.label(each["model"], each["label"]) for each in position["models"] if each["accepted"]]
    return (
        _position_name(position, say),
        words.of(position["label"]) if position["label"] else say(exam_words.position_label(position)),
        "-" if evidence is None else f"{say(exam_words.evidence(evidence))} ({evidence:+.1f})",
        ", ".join(labels) or "-",
        "-" if rate is None else f"{rate:.0f}",
        position["recording_id"] or "-",
        say(position["review"]) if position["review"] else "-",
    )
