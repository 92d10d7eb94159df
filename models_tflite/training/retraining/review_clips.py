"""Reviewed recordings as training clips: people said which label is right, and the sound is here already."""

import hashlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from edge_worker.audio_store.audio_store import AudioStore, require
from edge_worker.database.reviewing.labelled_recordings import LabelledRecording
from edge_worker.database.training import Clip, TrainingTables, source_digest
from edge_worker.errors import AudioError
from models_tflite.evaluation import audio

REASONS: Final = {
    "no_label": "nobody says which label is right",
    "stream": "a stream, or an event of one: its sound is not stored whole",
    "gaps": "sound is missing in it",
    "other_label": "the model has no such label any more",
    "two_labels": "the same sound is a clip with another label",
    "no_sound": "its sound was removed or is damaged",
}
"""Why a reviewed recording is no clip."""


@dataclass(slots=True)
class HandOver:
    """What became of the reviewed recordings."""

    added: list[Clip] = field(default_factory=list)
    """As stored: some are held out."""
    known: int = 0
    """How many were clips before."""
    left_out: Counter[str] = field(default_factory=Counter)
    """How many are none, by the keys of `REASONS`."""
    waiting: int = 0
    """How many are more than are taken at once."""

    @property
    def sentence(self) -> str:
        """What became of them, in a sentence."""
        held_out = sum(clip.held_out for clip in self.added)
        parts = [
            f"new clips: {len(self.added)}, {held_out} held out for evaluation",
            f"clips before: {self.known}",
        ]
        parts += [f"left out: {count}, {REASONS[reason]}" for reason, count in self.left_out.items()]
        if self.waiting:
            parts.append(f"not looked at yet: {self.waiting}, hand over again")
        return "; ".join(parts)


def hand_over(
    tables: TrainingTables,
    store: AudioStore,
    model: str,
    labels: Sequence[str],
    *,
    with_confirmed: bool,
    most: int | None = None,
) -> HandOver:
    """Make clips of the recordings that reviewers corrected to a label of `model`; return what became of all.

    `with_confirmed`: also those whose label they confirmed. At most `most` new ones are read. The source of a
    clip is its subject where that is known, else its device. Each sound is a clip once.
    """
    done, fresh = HandOver(), list[Clip]()
    stored = tables.clips(model)
    labelled = {clip.sha256: clip.label for clip in stored}
    sources = {clip.recording: clip.source for clip in stored if clip.recording is not None}
    moved: dict[int, str] = {}
    for each in tables.labelled_recordings():
        if not _is_asked_for(each, model, with_confirmed=with_confirmed):
            continue
        if each.row in sources:
            done.known += 1
            if sources[each.row] != _source(each):
                moved[each.row] = _source(each)
        elif reason := _reason(each, labels):
            done.left_out[reason] += 1
        elif most is not None and len(fresh) >= most:
            done.waiting += 1
        else:
            _take(_clip(store, model, each), labelled, fresh, done)
    tables.move_clips(model, moved)
    done.added = tables.add_clips(fresh)
    return done


def _is_asked_for(each: LabelledRecording, model: str, *, with_confirmed: bool) -> bool:
    return each.model in (model, None) and (with_confirmed or each.verdict != "confirmed")


def _reason(each: LabelledRecording, labels: Sequence[str]) -> str | None:
    """Return why a recording is no clip, as far as its row tells; None: it may be one."""
    if each.label is None:
        return "no_label"
    if each.is_stream:
        return "stream"
    if not each.is_whole:
        return "gaps"
    return None if each.label in labels else "other_label"


def _take(clip: Clip | None, labelled: dict[str, str], fresh: list[Clip], done: HandOver) -> None:
    """Add a clip to the fresh ones, or count why it is none; None: it has no sound."""
    if clip is None:
        done.left_out["no_sound"] += 1
    elif clip.sha256 not in labelled:
        labelled[clip.sha256] = clip.label
        fresh.append(clip)
    elif labelled[clip.sha256] == clip.label:
        done.known += 1
    else:
        done.left_out["two_labels"] += 1


def _clip(store: AudioStore, model: str, each: LabelledRecording) -> Clip | None:
    try:
        require(store, each.audio_file)  # whatever the database says, only audio is trained on
        with tempfile.TemporaryDirectory() as folder:
            path = store.as_file(each.audio_file, Path(folder))
            audio.read(path)
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (AudioError, OSError):
        return None
    if each.label is None:
        return None
    return Clip(model, each.label, each.audio_file, digest, _source(each), recording=each.row)


def _source(each: LabelledRecording) -> str:
    return source_digest(each.subject or each.device_id)
