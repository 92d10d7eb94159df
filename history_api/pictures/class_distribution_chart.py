"""Bar chart of how often each model gave each label, as SVG; labels that were not accepted are hatched."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final
from xml.sax.saxutils import escape

from edge_worker.database.prediction_query import LabelCount
from history_api.models.label_words import LabelWords
from history_api.pictures.notice import NOTICE

_LEFT: Final = 150
_WIDTH: Final = 480
_TOP: Final = 64
_ROW: Final = 24


def svg(counts: Sequence[LabelCount], words: LabelWords) -> str:
    """Return the chart: a group of bars per model. Without any label it says so."""
    most = max((each.total for each in counts), default=1)
    parts: list[str] = []
    y = _TOP
    for model, labels in groupby(counts, key=lambda each: each.model):
        parts.append(f'<text x="16" y="{y + 16}" font-weight="bold">{escape(words.model(model))}</text>')
        y += _ROW
        for each in labels:
            parts += _bar(each, words.label(model, each.label), y, _WIDTH / most)
            y += _ROW
        y += _ROW // 2
    if not counts:
        parts.append(f'<text x="16" y="{y + 16}">no recording has been classified yet</text>')
        y += _ROW
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _WIDTH + 130} {y + 40}" role="img" '
        'aria-label="How often each label was given" font-family="sans-serif" font-size="13">',
        '<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path d="M0 0V6" stroke="#333" stroke-width="2"/></pattern></defs>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<text x="16" y="24" font-size="16">How often each label was given</text>',
        '<text x="16" y="46" fill="#444">full: accepted; hatched: not sure enough to be shown</text>',
    ]
    foot = [
        f'<text x="16" y="{y + 24}" fill="#444">Labels, no diagnoses. {NOTICE}</text>',
        "</svg>",
    ]
    return "\n".join([*head, *parts, *foot]) + "\n"


def _bar(count: LabelCount, name: str, y: int, scale: float) -> list[str]:
    accepted, given = count.accepted * scale, count.total * scale
    unsure = count.total - count.accepted
    text = f"{count.total}" + (f", {unsure} not accepted" if unsure else "")
    return [
        f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>',
        f'<rect x="{_LEFT}" y="{y + 2}" width="{given:.1f}" height="16" fill="url(#hatch)" stroke="#333"/>',
        f'<rect x="{_LEFT}" y="{y + 2}" width="{accepted:.1f}" height="16" fill="#333"/>',
        f'<text x="{_LEFT + given + 6:.1f}" y="{y + 15}">{text}</text>',
    ]
