"""Chart of how often people confirm what a model says, over time, as SVG: a panel a model."""

from collections.abc import Sequence
from typing import Final
from xml.sax.saxutils import escape

from history_api.models.agreement_figures import ModelAgreement, PeriodFigures
from history_api.models.label_words import LabelWords
from history_api.pictures.notice import NOTICE

_LEFT: Final = 64
_STEP: Final = 56
_TOP: Final = 80
_ROW: Final = 120
_GAP: Final = 76
_MOST: Final = 12
"""Periods of a model that fit; the table has all of them."""


def svg(models: Sequence[ModelAgreement], words: LabelWords) -> str:
    """Return the chart; form and text carry everything, colour nothing."""
    panels = [each for each in models if each.total.reviews]
    width, height = _LEFT + _STEP * _MOST, _TOP + len(panels) * (_ROW + _GAP) + 30
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + 24} {height}" role="img" '
        'aria-label="How often people confirm what each model says" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<text x="16" y="24" font-size="16">How often people confirm what a model says</text>',
        f'<text x="16" y="46" fill="#444">dot: share; line: 95 % interval; number: reviews; the last {_MOST} '
        "periods</text>",
    ]
    body = [line for number, each in enumerate(panels) for line in _panel(each, number, words)]
    if not panels:
        body = [f'<text x="16" y="{_TOP - 8}">nobody has reviewed the label of a model yet</text>']
    return (
        "\n".join([*head, *body, f'<text x="16" y="{height - 12}" fill="#444">{NOTICE}</text>', "</svg>"])
        + "\n"
    )


def _panel(model: ModelAgreement, number: int, words: LabelWords) -> list[str]:
    top = _TOP + number * (_ROW + _GAP)
    parts = [
        f'<text x="{_LEFT}" y="{top - 10}" font-weight="bold">{escape(words.model(model.model))}</text>',
        f'<rect x="{_LEFT}" y="{top}" width="{_STEP * _MOST}" height="{_ROW}" fill="none" stroke="#bbb"/>',
        f'<path d="M{_LEFT} {top + _ROW / 2}h{_STEP * _MOST}" stroke="#ddd"/>',
    ]
    for share in (0.0, 0.5, 1.0):
        y = _y(top, share) + 4
        parts.append(f'<text x="{_LEFT - 8}" y="{y:.0f}" text-anchor="end">{share:.0%}</text>')
    version = None
    for place, each in enumerate([each for each in model.periods if each.reviews][-_MOST:]):
        parts += _dot(each, _LEFT + _STEP * (place + 0.5), top, is_new=each.version != version)
        version = each.version
    return parts


def _dot(each: PeriodFigures, x: float, top: int, *, is_new: bool) -> list[str]:
    """Draw a period; its version stands below where another one begins."""
    low, high = each.interval or (0.0, 1.0)
    bottom, y = top + _ROW, _y(top, each.share or 0.0)
    said = f"{each.period}, version {escape(each.version)}: {each.confirmed} of {each.reviews} confirmed"
    line = f"M{x:.0f} {_y(top, high):.1f}V{_y(top, low):.1f}"
    parts = [
        f'<path d="{line}" stroke="#333" stroke-width="2"/>',
        f'<circle cx="{x:.0f}" cy="{y:.1f}" r="5" fill="#333"><title>{said}</title></circle>',
        f'<text x="{x + 8:.0f}" y="{y + 4:.1f}" font-size="11">{each.reviews}</text>',
        f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle" font-size="11">{each.period}</text>',
    ]
    if is_new:
        left, name = x - _STEP / 2, escape(each.version)
        parts += [
            f'<path d="M{left:.0f} {top}v{_ROW + 24}" stroke="#777" stroke-dasharray="3 3"/>',
            f'<text x="{left + 3:.0f}" y="{bottom + 36}" font-size="11">{name}</text>',
        ]
    return parts


def _y(top: int, share: float) -> float:
    return top + _ROW * (1 - share)
