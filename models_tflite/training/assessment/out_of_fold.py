"""Out-of-fold predictions: the logits of recordings by models that were trained without their group."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.corpus.corpus import Corpus, TrainingError

IntArray = npt.NDArray[np.intp]
StrArray = npt.NDArray[np.str_]
DEVICE_FACTS: Final = ("familiarity", "nearest", "is_strange")
"""Fields of the device of each recording, which only some models measure."""


@dataclass(frozen=True, slots=True)
class OutOfFoldPredictions:
    """Logits at temperature 1 of every window, and whose windows they are."""

    logits: Float32Array
    """(windows, outputs) of the int8 model of the recording's fold."""
    float_logits: Float32Array | None
    """The same before conversion to int8; None: not saved."""
    owner: IntArray
    """(windows,) index of the recording."""
    targets: IntArray
    """(recordings,) index of the label; after the last: background."""
    fold: IntArray
    """(recordings,) index of the model, which was trained without this fold."""
    groups: StrArray
    sites: StrArray
    files: StrArray
    familiarity: npt.NDArray[np.float64] | None = None
    """(recordings,) familiarity of the device with the model's training sites; None: not measured."""
    nearest: StrArray | None = None
    """(recordings,) the training site whose devices are nearest."""
    is_strange: npt.NDArray[np.bool_] | None = None
    """(recordings,) whether the state contrasts are unlike those of any heart in training."""
    linear_logits: Float32Array | None = None
    """(windows, outputs) on a device that is not familiar at all: the logits of the linear model alone."""

    def subset(self, mask: npt.NDArray[np.bool_]) -> "OutOfFoldPredictions":
        """Return the recordings where `mask` (recordings,) is true."""
        windows = mask[self.owner]
        return OutOfFoldPredictions(
            self.logits[windows],
            None if self.float_logits is None else self.float_logits[windows],
            (mask.cumsum() - 1)[self.owner[windows]],
            self.targets[mask],
            self.fold[mask],
            self.groups[mask],
            self.sites[mask],
            self.files[mask],
            None if self.familiarity is None else self.familiarity[mask],
            None if self.nearest is None else self.nearest[mask],
            None if self.is_strange is None else self.is_strange[mask],
            None if self.linear_logits is None else self.linear_logits[windows],
        )

    def save(self, path: Path) -> None:
        """Write the arrays to an .npz file."""
        arrays_to_save = {
            name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None
        }
        np.savez_compressed(path, allow_pickle=False, **arrays_to_save)

    @classmethod
    def load(cls, path: Path) -> "OutOfFoldPredictions":
        """Read what `save` wrote; raise TrainingError when it is something else."""
        try:
            with np.load(path) as stored:
                arrays: dict[str, Any] = {
                    **dict.fromkeys(("float_logits", "linear_logits", *DEVICE_FACTS)),
                    **stored,
                }
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


def concatenate(parts: list[OutOfFoldPredictions]) -> OutOfFoldPredictions:
    """Return the predictions of several models as one."""
    offsets = np.cumsum([0] + [len(part.targets) for part in parts])
    owner = [part.owner + offset for part, offset in zip(parts, offsets, strict=False)]
    return OutOfFoldPredictions(
        np.concatenate([part.logits for part in parts]),
        _all_or_none([part.float_logits for part in parts]),
        np.concatenate(owner),
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("targets", "fold", "groups", "sites", "files")
        ),
        *(_all_or_none([getattr(part, name) for part in parts]) for name in (*DEVICE_FACTS, "linear_logits")),
    )


def _all_or_none(parts: list[npt.NDArray[Any] | None]) -> npt.NDArray[Any] | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if len(known) == len(parts) else None


def from_corpus(
    corpus: Corpus,
    logits: Float32Array,
    float_logits: Float32Array | None,
    owner: IntArray,
    fold: int,
    *,
    device_facts: Sequence[npt.NDArray[Any]] = (),
    linear_logits: Float32Array | None = None,
) -> OutOfFoldPredictions:
    """Return one model's predictions for the windows of a corpus; `device_facts` as `DEVICE_FACTS`."""
    return OutOfFoldPredictions(
        logits,
        float_logits,
        owner,
        corpus.targets,
        np.full(len(corpus), fold, dtype=np.intp),
        np.array([recording.group for recording in corpus.recordings]),
        corpus.sites,
        np.array([recording.path.as_posix() for recording in corpus.recordings]),
        **dict(zip(DEVICE_FACTS, device_facts, strict=False)),
        linear_logits=linear_logits,
    )
