"""Words of notifications, in English and German, and the values that programs get."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from rule_texts import heard

from edge_worker.notify.message import Writer
from edge_worker.notify.occurrence import News, Occurrence, Part

NOW = datetime(2026, 11, 30, 11, 1, 30, tzinfo=UTC)
ENGLISH = Writer("en", ZoneInfo("Europe/Berlin"), "https://stetho.example.org/site/")
GERMAN = Writer("de", ZoneInfo("Europe/Berlin"))


def test_a_sound_is_told_with_name_place_time_and_a_link() -> None:
    message = ENGLISH.write(heard(1), "alarm", NOW)
    assert message.title == "! Siren – room-1"
    assert message.body.split("\n") == [
        "Needs attention (91 %)",
        "12:01:00",
        "https://stetho.example.org/site/ui/recordings/0000000000000001?device=room-1",
        "Research and education, not a medical device.",
    ]
    assert message.details["recording_id"] == "0000000000000001"
    assert message.details["link"] == message.link


def test_german_has_its_own_words_and_no_link_without_an_address() -> None:
    message = GERMAN.write(replace(heard(1), text="Sirene", disagrees=True), "alarm", NOW)
    assert message.title == "! Sirene – room-1"
    assert message.body.split("\n") == [
        "Bitte beachten (91 %)",
        "Die Modelle sind uneins",
        "12:01:00",
        "Für Forschung und Lehre, kein Medizinprodukt.",
    ]
    assert message.link == ""
    assert "link" not in message.details


def test_what_comes_late_says_so_and_says_the_day() -> None:
    message = ENGLISH.write(heard(1), "alarm", datetime(2026, 12, 1, 12, 0, tzinfo=UTC))
    assert "2026-11-30 12:01:00" in message.body
    assert "This message comes late." in message.body


def test_a_summary_says_how_many_of_what() -> None:
    summary = Occurrence(
        "sound", "summary", "room-1", "summary/1", "2026-11-30T10:50:00Z", "finding",
        parts=(Part("heard", "room-1", "Siren", 5), Part("lost", "room-2", "", 1)),
        until="2026-11-30T11:01:00Z",
    )  # fmt: skip
    assert (
        ENGLISH.write(summary, "alarm", NOW).title == "6 more: Siren (room-1) ×5, room-2 lost its connection"
    )
    german = GERMAN.write(summary, "alarm", NOW).title
    assert german == "6 weitere: Siren (room-1) ×5, room-2 hat keine Verbindung mehr"
    assert "Von 11:50:00 bis 12:01:00" in GERMAN.write(summary, "alarm", NOW).body


@pytest.mark.parametrize(
    "news", ["off", "lost", "degraded", "offline", "unreachable", "back", "reachable", "test"]
)
def test_all_that_can_happen_has_words_in_both_languages(news: News) -> None:
    happened = Occurrence("worker", news, "edge-01", "k", "2026-11-30T11:00:00Z", "finding", text="disk full")
    english, german = (each.write(happened, "alarm", NOW) for each in (ENGLISH, GERMAN))
    assert english.title
    assert german.title
    assert english.title != german.title
    assert ("disk full" in english.body) == (news == "degraded")
    assert "{" not in english.title + english.body + german.title + german.body


def test_times_that_nobody_can_read_are_told_nevertheless() -> None:
    assert ENGLISH.write(replace(heard(1), at="yesterday"), "alarm", NOW).title == "! Siren – room-1"
    assert ENGLISH.write(replace(heard(1), at="2026-11-30T11:00:00"), "alarm", NOW).title
