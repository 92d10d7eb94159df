"""What a report says of an exam: the four positions side by side, then each recording that counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from edge_worker.protocol.exam import LABEL_RULE, POSITIONS, Exam
from history_api.reports.pdf_sheet import PdfSheet
from history_api.reports.recording_report import Case, utc, write

_HEAD: Final = ("position", "label", "models", "bpm", "recording", "person")
_WIDTHS: Final = (34.0, 22.0, 62.0, 12.0, 34.0, 16.0)


def of_exam(exam: Exam, cases: Sequence[Case]) -> bytes:
    """Return the report of an exam as PDF; `cases` are the recordings that count."""
    document = exam.document()
    said = [case.changed_at for case in cases] or [document["last_captured_at"]]
    paper = PdfSheet("Report of an exam", datetime.fromisoformat(max(said)))
    _facts(paper, document)
    paper.heading("Positions")
    paper.row(_HEAD, _WIDTHS, "B")
    for position in document["positions"]:
        paper.row(_row(position), _WIDTHS)
    for position in document["positions"]:
        if position["hint"]:
            paper.fact(place(position), position["hint"])
    for case in cases:
        paper.add_page()
        paper.heading(f"At {case.entry.meta.get('site') or 'a place that was not said'}")
        write(paper, case)
    return bytes(paper.output())


def place(position: dict[str, Any]) -> str:
    """Return the name of a position for people."""
    name = f" ({position['name']})" if position["name"] else ""
    return f"{position['site'] or 'site not said'}{name}"


def _facts(paper: PdfSheet, document: dict[str, Any]) -> None:
    rate = document["heart_rate_bpm"]
    paper.fact("Exam", f"{document['exam']} of device {document['device_id']}")
    paper.fact("Captured", f"{utc(document['first_captured_at'])} to {utc(document['last_captured_at'])}")
    usable = len(POSITIONS) - len(document["missing"])
    paper.fact("Positions", f"{usable} of {len(POSITIONS)} usable, {document['recordings']} recordings")
    paper.fact("Missing", ", ".join(f"{each} ({POSITIONS[each]})" for each in document["missing"]) or "none")
    paper.fact("Heart rate", "cannot tell" if rate is None else f"{rate:.0f} beats per minute (median)")
    paper.fact("Label", "cannot tell" if document["label"] == "inconclusive" else document["label"])
    paper.fact("Rule", LABEL_RULE)


def _row(position: dict[str, Any]) -> tuple[str, ...]:
    rate = position["heart_rate_bpm"]
    said = [f"{each['model']} {each['label']}" for each in position["models"] if each["accepted"]]
    return (
        place(position),
        position["label"] or ("cannot tell" if position["recording_id"] else "missing"),
        ", ".join(said) or "-",
        "-" if rate is None else f"{rate:.0f}",
        position["recording_id"] or "-",
        position["review"] or "-",
    )
