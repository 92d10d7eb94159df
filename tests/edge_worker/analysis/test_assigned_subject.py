"""Recordings whose device names nobody get the subject that an operator assigned to it, or none."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from edge_worker.analysis.assigned_subject import with_subject
from edge_worker.analysis.recording_times import RecordingTimes
from edge_worker.database.site_state.clock_reading import ClockReading
from edge_worker.database.store import Store, StoredRecording
from edge_worker.database.subjects.subject_assignments import SubjectAssignmentTable
from edge_worker.protocol.timestamp import rfc3339

TEN = datetime(2027, 3, 1, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(minutes: float) -> str:
    return rfc3339(TEN + timedelta(minutes=minutes))


class Site:
    """A store, and a clock that the test moves."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        url = f"sqlite:///{directory / 'stetho.db'}"
        self.minutes = 0.0
        monkeypatch.setattr(ClockReading, "now", self._now)
        self.store = Store.open(url)
        self.assignments = SubjectAssignmentTable(url)

    def _now(self) -> ClockReading:
        return ClockReading(
            (TEN + timedelta(minutes=self.minutes)).timestamp(), "boot", 60 * self.minutes + 50
        )

    def assign(self, minutes: float, subject: str, device: str = "st-01") -> None:
        self.minutes = minutes
        self.assignments.begin(device, subject, HOUR, "ann")

    def subject(
        self, received: float, captured: float | None = None, own: str | None = None, device: str = "st-01"
    ) -> str | None:
        """Return whose a recording is that was received and captured so many minutes after ten."""
        recording = StoredRecording(
            device_id=device,
            recording_id="0" * 16,
            received_at=at(received),
            captured_at=at(received if captured is None else captured),
            captured_at_source="worker" if captured is None else "device",
            completeness="complete",
            missing=[],
            sample_rate=4000,
            channels=1,
            samples=4000,
            audio_sha256="0" * 64,
            audio_file="audio/st-01/x.wav",
            meta={} if own is None else {"subject": own},
            subject=own,
        )
        named = with_subject(recording, self.store)
        assert named.meta.get("subject") == named.subject
        assert replace(named, subject=own, meta=recording.meta) == recording
        return named.subject


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    site = Site(tmp_path, monkeypatch)
    yield site
    site.assignments.close()
    site.store.close()


def test_recordings_of_its_time_are_of_the_subject_and_no_others(site: Site) -> None:
    assert site.subject(0) is None
    site.assign(0, "P-1")
    assert site.subject(0) == site.subject(59.9) == "P-1"
    assert site.subject(60) is None, "it ends by itself: the next person does not get it"
    assert site.subject(-1) is None
    assert site.subject(1, device="st-02") is None
    assert site.subject(1, own="P-9") == "P-9", "what the recording says itself wins"


def test_another_one_or_a_person_ends_it(site: Site) -> None:
    site.assign(0, "P-1")
    site.assign(10, "P-2")
    assert (site.subject(9.9), site.subject(10)) == ("P-1", "P-2")
    site.minutes = 20
    site.assignments.end("st-01")
    assert (site.subject(19.9), site.subject(20)) == ("P-2", None)
    assert site.assignments.current("st-01") is None


def test_the_same_one_again_goes_on_without_a_gap(site: Site) -> None:
    site.assign(0, "P-1")
    site.assign(50, "P-1")
    assert [site.subject(minutes) for minutes in (1, 50, 100)] == ["P-1"] * 3
    current = site.assignments.current("st-01")
    assert current is not None
    assert (current.begins_at, current.ends_at) == (at(0), at(110))


@pytest.mark.parametrize(
    ("captured", "subject"),
    [(12, "P-2"), (9.95, "P-2"), (9.5, None), (-300, None), (13, "P-2")],
)
def test_a_recording_that_may_be_of_the_person_before_is_of_nobody(
    site: Site, captured: float, subject: str | None
) -> None:
    site.assign(0, "P-1")
    site.assign(10, "P-2")
    assert site.subject(12, captured) == subject


def test_an_event_is_of_whom_its_stream_is(site: Site) -> None:
    site.assign(0, "P-1")
    site.assign(10, "P-2")
    event = StoredRecording(
        *(
            "st-01",
            "1" * 16,
            at(11),
            at(11),
            "worker",
            "complete",
            [],
            4000,
            1,
            4000,
            "0" * 64,
            "audio/x.wav",
            {},
        )
    )
    stream = RecordingTimes(at(9), at(9), "worker")
    assert with_subject(event, site.store, stream).subject == "P-1"


def test_assignments_that_ended_long_ago_are_forgotten(site: Site) -> None:
    site.assign(0, "P-1")
    site.assign(60 * 24 * 9, "P-2")
    assert site.assignments.of_subject("P-1") == []
    assert site.assignments.forget("P-2") == 1
    assert site.assignments.current("st-01") is None
