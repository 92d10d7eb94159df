"""What models said of recordings whose group they never heard: the slow half of an assessment, kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.corpus.corpus import Corpus, TrainingError

IntArray = npt.NDArray[np.intp]
StrArray = npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Logits at temperature 1 of every window, and whose windows they are."""

    logits: Float32Array
    """(windows, outputs) of the int8 model of the recording's fold."""
    float_logits: Float32Array | None
    """The same of the model before its conversion; None: not kept."""
    owner: IntArray
    """(windows,) index of the recording."""
    targets: IntArray
    """(recordings,) index of the label; one past the last: none of them."""
    fold: IntArray
    """(recordings,) which model judged it: the one that never heard this fold."""
    groups: StrArray
    sites: StrArray
    files: StrArray

    def subset(self, chosen: npt.NDArray[np.bool_]) -> "OutOfFold":
        """Return the recordings where `chosen` is true."""
        windows = chosen[self.owner]
        return OutOfFold(
            self.logits[windows],
            None if self.float_logits is None else self.float_logits[windows],
            (chosen.cumsum() - 1)[self.owner[windows]],
            self.targets[chosen],
            self.fold[chosen],
            self.groups[chosen],
            self.sites[chosen],
            self.files[chosen],
        )

    def save(self, path: Path) -> None:
        """Write it to an .npz file."""
        there = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}
        np.savez_compressed(path, allow_pickle=False, **there)

    @classmethod
    def load(cls, path: Path) -> "OutOfFold":
        """Read what `save` wrote; raises TrainingError when it is something else."""
        try:
            with np.load(path) as stored:
                arrays: dict[str, Any] = {"float_logits": None, **stored}
            read = cls(**{name: arrays[name] for name in cls.__slots__})
        except (OSError, ValueError, KeyError) as error:
            raise TrainingError(
                f"{path} holds no out-of-fold predictions ({error}): save them again"
            ) from error
        if not read._fits():
            raise TrainingError(f"{path} does not fit together: save the predictions again")
        return read

    def _fits(self) -> bool:
        recordings = (self.fold, self.groups, self.sites, self.files)
        return (
            all(len(of) == len(self.targets) for of in recordings)
            and len(self.owner) == len(self.logits)
            and np.array_equal(np.unique(self.owner), np.arange(len(self.targets)))
        )


def joined(parts: list[OutOfFold]) -> OutOfFold:
    """Return the predictions of several rounds as one."""
    offsets = np.cumsum([0] + [len(part.targets) for part in parts])
    owner = [part.owner + offset for part, offset in zip(parts, offsets, strict=False)]
    before = [part.float_logits for part in parts if part.float_logits is not None]
    return OutOfFold(
        np.concatenate([part.logits for part in parts]),
        np.concatenate(before) if len(before) == len(parts) else None,
        np.concatenate(owner),
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("targets", "fold", "groups", "sites", "files")
        ),
    )


def of_corpus(
    corpus: Corpus, logits: Float32Array, float_logits: Float32Array, owner: IntArray, fold: int
) -> OutOfFold:
    """Return what one model said of the windows of a corpus."""
    return OutOfFold(
        logits,
        float_logits,
        owner,
        corpus.targets,
        np.full(len(corpus), fold, dtype=np.intp),
        np.array([recording.group for recording in corpus.recordings]),
        corpus.sites,
        np.array([recording.path.as_posix() for recording in corpus.recordings]),
    )
