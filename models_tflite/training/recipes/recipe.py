"""What differs between the models: data, windows and how long to train."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from edge_worker.inference.model_card import SoundDomain
from edge_worker.signal.features import FeatureParameters
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.windowing import Pad
from models_tflite.training.augmentation.augmentation import Disturbance
from models_tflite.training.augmentation.sampling import Chances, by_label
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one model is trained."""

    model: str
    version: str
    labels: tuple[str, ...]
    gather: Callable[[Path], Iterator[Recording]]
    """Recordings to learn from, found under the data directory."""
    judged_on: str
    """Figures are of recordings whose site begins so; the others only help to learn."""
    facts: dict[str, Any]
    """What the card says about data, licence, method and limits."""
    draw: Callable[[Corpus], Chances] = by_label
    """How often each recording is shown."""
    features: FeatureParameters = HEART_LOG_MEL
    window_s: float = 4.0
    hop_s: float = 1.0
    hears: SoundDomain = "heart"
    pad: Pad = "repeat"
    trim_db: float | None = None
    background: bool = False
    """One output more, for recordings labelled `corpus.BACKGROUND`."""
    disturbance: Disturbance = field(default_factory=Disturbance)
    epochs: int = 30
    steps: int = 60
    """Batches of an epoch."""
    batch: int = 64
    learning_rate: float = 3e-3
    mixup: float = 0.2
    """Alpha of the beta distribution; windows and targets are blended."""
    overlaid: float = 0.0
    """Share of windows in which another sound is heard, too."""
    label_smoothing: float = 0.0
    network: Literal["picture", "residual", "course"] = "picture"
    """`architecture.build` of the picture of time and bands, `residual_network.build` of the same for
    teachers, or `heart_network.build` of the course of the bands in the states of a heart, whose windows
    repeat."""
    widths: tuple[int, ...] = (24, 32, 48, 64, 96)
    """Channels of the layers."""
    halving: tuple[int, ...] = (0, 1)
    """Layers after the first that halve time and bands."""
    separable: bool = True
    """Depthwise-separable convolutions; else whole ones, of more weights and no slower where int8 is wide."""
    dropout: float = 0.3
    hints: Path | None = None
    """What larger networks hear in each recording (`hints.py`); the network learns to say that, too. A
    recipe with a teacher has none."""
    hint_weight: float = 1.0
    """Of the squared error of what it says of hints, beside the cross-entropy of labels."""
    teacher: "Recipe | None" = None
    """Another network, mostly a larger one, to train first on the same recordings; this one also learns to
    say what that says."""
    start: "Recipe | None" = None
    """A model to train first, whose layers this one starts from."""
    held_out_sites: tuple[str, ...] = field(default=())
    """Sites of which each is left out whole once, for a figure on a place never heard."""
    max_missing_fraction: float = 0.1
    coverage: float = 0.8
    """Share of recordings that the threshold accepts, on recordings never trained on."""
    rejection: float | None = None
    """Share of recordings that are none of the labels that the threshold rejects; before `coverage`."""
    validation_folds: int = 10
    """One part in so many, of other groups, chooses the best epoch."""
    keep_best: bool = True
    """Whether that part chooses; else the last epoch is kept, for labels too rare there to choose by."""
    seed: int = 1

    def for_what_is_there(self, recordings: Iterable[Recording]) -> "Recipe":
        """Return the recipe without the output for none of the labels when nothing there would teach it."""
        there = tuple(recordings)
        is_taught = any(recording.label == BACKGROUND for recording in there)
        teacher = self.teacher and self.teacher.for_what_is_there(there)
        return replace(self, background=self.background and is_taught, teacher=teacher)

    def judged(self, data: Path) -> list[Recording]:
        """Return what figures are of: recordings with a label, of the sites that count."""
        return [
            recording
            for recording in self.gather(data)
            if recording.label in self.labels and recording.site.startswith(self.judged_on)
        ]

    def shortened(self, epochs: int | None) -> "Recipe":
        """Return the recipe with so many epochs for each network that it trains; None: its own."""
        if epochs is None:
            return self
        teacher, start = (first and first.shortened(epochs) for first in (self.teacher, self.start))
        return replace(self, epochs=epochs, teacher=teacher, start=start)

    @property
    def all_epochs(self) -> int:
        """Epochs of the network and of its teacher."""
        return self.epochs + (self.teacher.epochs if self.teacher else 0)

    @property
    def outputs(self) -> int:
        """Numbers that the network gives."""
        return len(self.labels) + self.background

    @property
    def window_frames(self) -> int:
        """Frames of a window."""
        return self.features.frame_count(self.window_s)

    @property
    def hop_frames(self) -> int:
        """Frames between windows of a recording."""
        return round(self.hop_s * self.features.sample_rate / self.features.hop_length)
