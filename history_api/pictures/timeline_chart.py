"""Chart of a stream over time as SVG: the heart rate, and the likeliest labels of each model."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from xml.sax.saxutils import escape

from history_api.models.label_words import LabelWords
from history_api.pictures.notice import NOTICE

_LEFT: Final = 64
_WIDTH: Final = 640
_ROW: Final = 110
_GAP: Final = 64
_TOP: Final = 72
_MAX_LABELS: Final = 3
_DASHES: Final = ("", "6 4", "2 3")
"""Dashes tell the curves apart without colour."""
_TICKS: Final = 6

Point = dict[str, Any]


class _Panel(NamedTuple):
    title: str
    minimum: float
    maximum: float
    curves: list[tuple[str, list[tuple[float, float | None]]]]
    """Name, and (seconds at the middle of a point, value) pairs; the value is None where nothing is known."""


def svg(recording_id: str, document: dict[str, Any], words: LabelWords, kept_from_s: float = 0.0) -> str:
    """Return the chart of a timeline document, which has the form of `GET …/timeline`.

    A line marks from where on the sound is kept, where that is not the beginning.
    """
    panels = [_heart_panel(document["heart"])] if document["heart"] else []
    curves = {model: curve for model, curve in document["models"].items() if curve["points"]}
    panels += [_model_panel(model, curve, words) for model, curve in curves.items()]
    ends = [point["end_s"] for panel in (document["heart"], *_points(document)) for point in panel]
    end_s = max(ends, default=1.0)
    height = _TOP + len(panels) * (_ROW + _GAP) + 24
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 24} {height}" role="img" '
        'aria-label="Heart rate and labels over time" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="16" y="24" font-size="16">Stream {escape(recording_id)}, over time</text>',
    ]
    body = [
        line
        for number, panel in enumerate(panels)
        for line in [
            *_kept(kept_from_s / end_s, _TOP + number * (_ROW + _GAP)),
            *_draw_panel(panel, _TOP + number * (_ROW + _GAP), end_s),
        ]
    ]
    if not panels:
        body.append(f'<text x="16" y="{_TOP - 8}">the stream was too short for a window</text>')
    foot = [f'<text x="16" y="{height - 10}" fill="#444">{NOTICE}</text>', "</svg>"]
    return "\n".join([*head, *body, *foot]) + "\n"


def _points(document: dict[str, Any]) -> list[list[Point]]:
    return [curve["points"] for curve in document["models"].values()]


def _heart_panel(points: list[Point]) -> _Panel:
    known = [point["bpm"] for point in points if point["bpm"] is not None]
    minimum, maximum = min(known, default=60.0) - 10, max(known, default=80.0) + 10
    curve = [(_middle(point), point["bpm"]) for point in points]
    return _Panel("heart rate, beats per minute", minimum, maximum, [("", curve)])


def _model_panel(model: str, curve: dict[str, Any], words: LabelWords) -> _Panel:
    """Return the panel of the labels with the highest mean probability."""
    points, labels = curve["points"], curve["labels"]
    totals = [sum(point["probabilities"][i] or 0.0 for point in points) for i in range(len(labels))]
    likeliest = sorted(range(len(labels)), key=lambda i: -totals[i])[:_MAX_LABELS]
    names = {i: words.label(model, labels[i]) for i in likeliest}
    curves = [
        (name, [(_middle(point), point["probabilities"][i]) for point in points]) for i, name in names.items()
    ]
    return _Panel(f"{words.model(model)}, probability", 0.0, 1.0, curves)


def _middle(point: Point) -> float:
    return float(point["start_s"] + point["end_s"]) / 2


def _kept(share: float, top: int) -> list[str]:
    """Return a mark at the share of the time from which on the sound is kept; nothing where it is all."""
    if not share:
        return []
    x = _LEFT + _WIDTH * min(share, 1.0)
    words = "sound is kept from here" if share < 1 else "no sound is kept"
    # Written to the side that has room.
    side, anchor = (x + 6, "start") if share < 0.5 else (x - 6, "end")  # noqa: PLR2004 - the middle
    return [
        f'<rect class="gone" x="{_LEFT}" y="{top}" width="{x - _LEFT:.1f}" height="{_ROW}" fill="#eee"/>',
        f'<path class="kept" d="M{x:.1f} {top}v{_ROW}" stroke="#333" stroke-dasharray="1 3"/>',
        f'<text x="{side:.1f}" y="{top + 14}" text-anchor="{anchor}" font-size="11">{words}</text>',
    ]


def _draw_panel(panel: _Panel, top: int, end_s: float) -> list[str]:
    bottom = top + _ROW
    parts = [
        f'<text x="{_LEFT}" y="{top - 10}">{escape(panel.title)}</text>',
        *_legend(panel, top),
        f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_ROW}" fill="none" stroke="#bbb"/>',
        f'<text x="{_LEFT - 8}" y="{top + 12}" text-anchor="end">{panel.maximum:.0f}</text>',
        f'<text x="{_LEFT - 8}" y="{bottom}" text-anchor="end">{panel.minimum:.0f}</text>',
    ]
    for tick in range(_TICKS + 1):
        x = _LEFT + _WIDTH * tick / _TICKS
        parts.append(
            f'<text x="{x:.0f}" y="{bottom + 16}" text-anchor="middle">{_clock(end_s * tick / _TICKS)}</text>'
        )
    for (_, values), dashes in zip(panel.curves, _DASHES, strict=False):
        parts += [_line(run, panel, top, end_s, dashes) for run in _runs(values)]
    return parts


def _legend(panel: _Panel, top: int) -> list[str]:
    parts, x = [], _LEFT + 220
    for (label, _), dashes in zip(panel.curves, _DASHES, strict=False):
        if label:
            parts.append(
                f'<path d="M{x} {top - 14}h28" stroke="#333" stroke-width="2" stroke-dasharray="{dashes}"/>'
            )
            parts.append(f'<text x="{x + 34}" y="{top - 10}">{escape(label)}</text>')
            x += 140
    return parts


def _runs(values: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Return the runs of consecutive known values, as lists of (time, value)."""
    runs: list[list[tuple[float, float]]] = [[]]
    for at_s, value in values:
        if value is not None:
            runs[-1].append((at_s, value))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _line(run: Sequence[tuple[float, float]], panel: _Panel, top: int, end_s: float, dashes: str) -> str:
    across, down = _WIDTH / end_s, _ROW / (panel.maximum - panel.minimum)
    positions = [
        f"{_LEFT + across * at_s:.1f} {top + down * (panel.maximum - value):.1f}" for at_s, value in run
    ]
    if len(positions) == 1:
        x, y = positions[0].split()
        return f'<circle cx="{x}" cy="{y}" r="3" fill="#333"/>'
    style = f'fill="none" stroke="#333" stroke-width="2" stroke-dasharray="{dashes}"'
    return f'<path d="M{" L".join(positions)}" {style}/>'


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
