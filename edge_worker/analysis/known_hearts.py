"""Hearts of a device whose label is known by other means: files of a folder, or reviewed recordings."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_worker.audio_store.audio_store import AudioStore, require
from edge_worker.audio_store.sound import Sound, file_sound
from edge_worker.database.adaptation.reviewed_recordings import ReviewedRecording
from edge_worker.errors import CalibrationError
from edge_worker.inference.adaptation import ABNORMAL, NORMAL
from edge_worker.inference.device_proof import LEAST_KNOWN

_CORRECTED: Final = {
    ("confirmed", NORMAL): NORMAL,
    ("rejected", ABNORMAL): NORMAL,
    ("confirmed", ABNORMAL): ABNORMAL,
    ("rejected", NORMAL): ABNORMAL,
}
"""By verdict and accepted label: a rejected label of two is corrected to the other one."""
_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class KnownHeart:
    """A sound of which somebody says what heart it is."""

    name: str
    """As the operator knows it: a path below the folder, or a recording id."""
    sound: Sound
    is_abnormal: bool = False
    amplification: float = 1
    missing_fraction: float = 0
    """Samples that did not arrive, 0..1."""


def from_folder(directory: Path, *, is_abnormal: bool = False) -> list[KnownHeart]:
    """Return the WAV files below a directory, by name; raises CalibrationError when there is none."""
    kind = "sick" if is_abnormal else "healthy"
    if not directory.is_dir():
        raise CalibrationError(f"{directory} is no folder: name one with WAV files of {kind} hearts")
    paths = sorted(path for path in directory.rglob("*") if path.suffix.lower() == ".wav")
    sounds = [sound for path in paths if (sound := file_sound(path, str(path)))]
    if not sounds:
        raise CalibrationError(f"{directory} has no WAV file: put recordings of {kind} hearts there")
    return [KnownHeart(str(Path(sound.name).relative_to(directory)), sound, is_abnormal) for sound in sounds]


def from_reviews(reviewed: Iterable[ReviewedRecording], store: AudioStore) -> list[KnownHeart]:
    """Return the recordings of which a review says what heart they are.

    Raises:
        CalibrationError: the same sound was reviewed as normal and as abnormal.
        AudioError: the sound of one is gone.
    """
    by_sound: dict[str, list[ReviewedRecording]] = defaultdict(list)
    for each in reviewed:
        if _label(each) is not None:
            by_sound[each.audio_sha256].append(each)
    contradictory = [same for same in by_sound.values() if len({*map(_label, same)}) > 1]
    if contradictory:
        names = listed([each.recording_id for each in contradictory[0]])
        raise CalibrationError(
            f"recordings {names} are the same sound, reviewed as normal and as abnormal: "
            "correct one of the reviews; nothing was changed"
        )
    return [_heart(same[0], store) for same in by_sound.values()]


def of_use(hearts: list[KnownHeart]) -> list[KnownHeart]:
    """Return all hearts where both labels prove something, else the healthy ones, which calibrate alone."""
    abnormal = sum(heart.is_abnormal for heart in hearts)
    if min(abnormal, len(hearts) - abnormal) >= LEAST_KNOWN:
        return hearts
    return [heart for heart in hearts if not heart.is_abnormal]


def listed(names: list[str]) -> str:
    """Return the first names, and how many more there are, for a sentence."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _label(reviewed: ReviewedRecording) -> str | None:
    """Return what a person says that the heart is: the finding, or what the verdict makes of the label."""
    if reviewed.finding is not None:
        return reviewed.finding
    if reviewed.verdict == "corrected":
        return {"none": NORMAL, "finding": ABNORMAL}.get(reviewed.severity or "")
    return _CORRECTED.get((reviewed.verdict, reviewed.label)) if reviewed.accepted else None


def _heart(reviewed: ReviewedRecording, store: AudioStore) -> KnownHeart:
    missing = sum(end - start for start, end in reviewed.missing) / max(reviewed.samples, 1)
    return KnownHeart(
        reviewed.recording_id,
        require(store, reviewed.audio_file),
        _label(reviewed) == ABNORMAL,
        reviewed.meta.get("amplification", 1),
        missing,
    )
