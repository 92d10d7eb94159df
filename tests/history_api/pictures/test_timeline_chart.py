"""The chart of a timeline: its curves, gaps, labels and times."""

import re
from typing import Any
from xml.etree import ElementTree

from shipped_meanings import MEANINGS

from history_api.models.label_words import LabelWords
from history_api.pictures import timeline_chart

Point = dict[str, Any]


def point(start_s: float, **values: object) -> Point:
    return {"start_s": start_s, "end_s": start_s + 2, "windows": 1, "usable": 1, **values}


def chart(heart: list[Point], models: dict[str, Any], kept_from_s: float = 0.0) -> tuple[str, list[str]]:
    """Return the SVG, which must be well-formed, and the coordinates of its curves."""
    text = timeline_chart.svg(
        "00000000000000aa", {"heart": heart, "models": models}, LabelWords("en", {}, MEANINGS), kept_from_s
    )
    ElementTree.fromstring(text)  # noqa: S314 - our own
    return text, re.findall(r'<path d="M([^"h]+)"', text)


def test_e8_an_unknown_heart_rate_is_a_gap_in_its_curve() -> None:
    heart = [point(2 * i, bpm=None if i == 2 else 70.0 + i, quality=0.9) for i in range(5)]
    text, lines = chart(heart, {})
    assert "heart rate" in text
    assert [line.count("L") + 1 for line in lines] == [2, 2]
    first, last = lines[0].split(" L")[0], lines[1].split(" L")[-1]
    assert float(first.split()[1]) > float(last.split()[1]), "a faster heart is higher up"


def test_e8_the_likeliest_labels_are_named_and_differ_without_colour() -> None:
    shares = [[0.6, 0.3, 0.05, 0.05], [0.1, 0.8, 0.05, 0.05]]
    points = [point(2 * i, probabilities=each) for i, each in enumerate(shares)]
    text, lines = chart([], {"esc50": {"labels": ["rain", "dog", "<hen>", "cat"], "points": points}})
    assert len(lines) == 3
    assert ">Dog<" in text
    assert "&lt;hen&gt;" in text
    assert ">Cat<" not in text
    assert {"", "6 4", "2 3"} <= set(re.findall('stroke-dasharray="([^"]*)"', text))


def test_a_stream_without_a_window_is_said_to_be_too_short() -> None:
    assert "too short" in chart([], {})[0]


def test_hours_are_written_as_hours() -> None:
    assert ">1:00:00<" in chart([point(3598, bpm=70.0, quality=1.0)], {})[0]


def test_a_mark_stands_where_the_sound_begins_that_is_kept() -> None:
    heart = [point(2 * i, bpm=70.0, quality=0.9) for i in range(75)]
    text, _ = chart(heart, {}, kept_from_s=90)
    (x,) = map(float, re.findall('class="kept" d="M([0-9.]+) ', text))
    assert x == 64 + 640 * 90 / 150
    assert "sound is kept from here" in text
    assert "no sound is kept" in chart(heart, {}, kept_from_s=200)[0]
    assert 'class="kept"' not in chart(heart, {})[0]
