"""Sounds that are given as healthy hearts of a device: files of a folder, or reviewed recordings."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_worker.database.adaptation.reviewed_recordings import ReviewedRecording
from edge_worker.errors import CalibrationError
from edge_worker.inference.adaptation import ABNORMAL, NORMAL

_IS_HEALTHY: Final = {
    ("confirmed", NORMAL): True,
    ("rejected", ABNORMAL): True,
    ("confirmed", ABNORMAL): False,
    ("rejected", NORMAL): False,
}
"""By verdict and label: a rejected label of two is corrected to the other one."""
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class HealthySound:
    """A sound that somebody says is a healthy heart."""

    name: str
    """As the operator knows it: a path below the folder, or a recording id."""
    path: Path
    amplification: float = 1
    missing_fraction: float = 0
    """Samples that did not arrive, 0..1."""


def from_folder(directory: Path) -> list[HealthySound]:
    """Return the WAV files below a directory, by name; raises CalibrationError when there is none."""
    if not directory.is_dir():
        raise CalibrationError(f"{directory} is no folder: name one with WAV files of healthy hearts")
    paths = sorted(path for path in directory.rglob("*") if path.suffix.lower() == ".wav" and path.is_file())
    if not paths:
        raise CalibrationError(f"{directory} has no WAV file: put recordings of healthy hearts there")
    return [HealthySound(str(path.relative_to(directory)), path) for path in paths]


def from_reviews(reviewed: Iterable[ReviewedRecording], data_dir: Path) -> list[HealthySound]:
    """Return the recordings that were reviewed as normal, or corrected to it.

    Raises:
        CalibrationError: the same sound was reviewed as normal and as abnormal.
    """
    by_sound: dict[str, list[ReviewedRecording]] = defaultdict(list)
    for each in reviewed:
        if (each.verdict, each.label) in _IS_HEALTHY:
            by_sound[each.audio_sha256].append(each)
    contradictory = [same for same in by_sound.values() if len({*map(_is_healthy, same)}) > 1]
    if contradictory:
        names = listed([each.recording_id for each in contradictory[0]])
        raise CalibrationError(
            f"recordings {names} are the same sound, reviewed as normal and as abnormal: "
            "correct one of the reviews; nothing was changed"
        )
    return [_sound(same[0], data_dir) for same in by_sound.values() if _is_healthy(same[0])]


def listed(names: list[str]) -> str:
    """Return the first names, and how many more there are, for a sentence."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _is_healthy(reviewed: ReviewedRecording) -> bool:
    return _IS_HEALTHY[reviewed.verdict, reviewed.label]


def _sound(reviewed: ReviewedRecording, data_dir: Path) -> HealthySound:
    missing = sum(end - start for start, end in reviewed.missing) / max(reviewed.samples, 1)
    amplification = reviewed.meta.get("amplification", 1)
    return HealthySound(reviewed.recording_id, data_dir / reviewed.audio_file, amplification, missing)
