"""The recipe of a model: its data, windows, augmentation, network and training schedule."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from edge_worker.protocol.meaning import Hears
from edge_worker.signal.features import FeatureParameters
from edge_worker.signal.log_mel import HEART_LOG_MEL
from edge_worker.signal.windowing import Pad
from models_tflite.training.augmentation.augmentation import Augmentation
from models_tflite.training.augmentation.sampling import Probabilities, class_balanced
from models_tflite.training.corpus.corpus import BACKGROUND, Corpus, Recording, TrainingError


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a network learns from a teacher, on a bank of clips made of the recordings (`networks.bank_fit`).

    The kinds of sound of several models are learned together; of their heads one is kept.
    """

    weights: Path
    """File of the teacher's weights, of `teachers.audio_tagger`."""
    sha256: str
    """Of this file."""
    heads: tuple[tuple[str, ...], ...]
    """Kinds of sound that the outputs of each head stand for; each has one output more, for none of them."""
    head: int
    """Index of the head that is kept."""
    site_weights: tuple[tuple[str, float], ...]
    """How often a recording is drawn, by the first word of its site."""
    clips_per_recording: float = 6.5

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds of sound."""
        return tuple(dict.fromkeys(chain(*self.heads)))

    @property
    def outputs(self) -> int:
        """Outputs of all heads."""
        return sum(len(head) + 1 for head in self.heads)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The training and evaluation of one model, and the facts for its card."""

    model: str
    version: str
    labels: tuple[str, ...]
    gather: Callable[[Path], Iterator[Recording]]
    """Return the recordings to train on, from the data directory."""
    evaluated_on: str
    """Prefix of the sites whose recordings are evaluated; the others are only trained on."""
    facts: dict[str, Any]
    """Entries of the card on data, licence, split, baseline and limits."""
    sampling: Callable[[Corpus], Probabilities] = class_balanced
    """Sampling probability of each recording in training batches."""
    features: FeatureParameters = HEART_LOG_MEL
    window_s: float = 4.0
    hop_s: float = 1.0
    domain: Hears = "heart"
    pad: Pad = "repeat"
    trim_db: float | None = None
    background: bool = False
    """One output more, for recordings labelled `BACKGROUND`."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    epochs: int = 30
    steps_per_epoch: int = 60
    batch_size: int = 64
    learning_rate: float = 3e-3
    mixup_alpha: float = 0.2
    """Alpha of the beta distribution that mixup draws its shares from; 0: no mixup."""
    overlay_probability: float = 0.0
    """Share of windows that another sound is mixed into (between-class learning)."""
    label_smoothing: float = 0.0
    network: Literal["convolutional", "residual", "heart", "voice"] = "convolutional"
    """`convolutional_network.build`; `residual_network.build`, for teachers; `heart_network.build`, which
    uses the states of the heart cycle and needs windows padded by repetition; or `voice_network.build`, of
    which only the last layer is trained (`frozen_fit.py`)."""
    widths: tuple[int, ...] = (24, 32, 48, 64, 96)
    """Channels of the layers."""
    strided_layers: tuple[int, ...] = (0, 1)
    """Layers after the first that halve time and bands."""
    separable: bool = True
    """Depthwise-separable convolutions; else plain ones, of more weights and no slower where int8 is wide."""
    dropout: float = 0.3
    hints: Path | None = None
    """File of embeddings by a larger network (`hints.py`), which the network is trained to predict, too. A
    recipe with a teacher has none."""
    hint_weight: float = 1.0
    """Weight of the squared error of hints, beside the cross-entropy of labels."""
    teacher: "Recipe | None" = None
    """Recipe of a network, mostly a larger one, that is trained first on the same recordings and distilled
    into this one."""
    lessons: Lessons | None = None
    """Of a network that others trained; None: it learns from the recordings alone."""
    pretraining: "Recipe | None" = None
    """Recipe of a model that is trained first, whose layers this one starts from (transfer learning)."""
    contrasts: bool = False
    """Adds a linear model of state contrasts for unfamiliar devices (`inference.unfamiliar_device`). Needs
    the network `heart`."""
    held_out_sites: tuple[str, ...] = field(default=())
    """Sites that are each left out once, for figures on an unseen place and device."""
    max_missing_fraction: float = 0.1
    coverage: float = 0.8
    """Share of unseen recordings that the threshold accepts."""
    rejection: float | None = None
    """Share of unseen background recordings that the threshold rejects; if given, instead of `coverage`."""
    validation_folds: int = 10
    """One part in so many, of other groups, is the validation part, which chooses the best epoch."""
    save_best_only: bool = True
    """Keep the epoch with the lowest validation loss; else the last one, for labels too rare to choose by."""
    seed: int = 1

    def adapted_to(self, recordings: Iterable[Recording]) -> "Recipe":
        """Return the recipe without the background output when no recording is background."""
        listed = tuple(recordings)
        has_background = any(recording.label == BACKGROUND for recording in listed)
        teacher = self.teacher and self.teacher.adapted_to(listed)
        return replace(self, background=self.background and has_background, teacher=teacher)

    def taught_from(self, weights: Path) -> "Recipe":
        """Return the recipe with other weights of its teacher; raise TrainingError if it has none."""
        if self.lessons is None:
            raise TrainingError(f"{self.model} learns from no file of weights: leave out --teacher")
        return replace(self, lessons=replace(self.lessons, weights=weights))

    def evaluation_recordings(self, data: Path) -> list[Recording]:
        """Return the labelled recordings of the sites that figures are of."""
        return [
            recording
            for recording in self.gather(data)
            if recording.label in self.labels and recording.site.startswith(self.evaluated_on)
        ]

    def with_epochs(self, epochs: int | None) -> "Recipe":
        """Return the recipe with so many epochs for each network that it trains; None: unchanged."""
        if epochs is None:
            return self
        teacher, pretraining = (
            other and other.with_epochs(epochs) for other in (self.teacher, self.pretraining)
        )
        return replace(self, epochs=epochs, teacher=teacher, pretraining=pretraining)

    @property
    def total_epochs(self) -> int:
        """Epochs of the network and of its teacher."""
        return self.epochs + (self.teacher.epochs if self.teacher else 0)

    @property
    def outputs(self) -> int:
        """Outputs of the network."""
        return len(self.labels) + self.background

    @property
    def window_frames(self) -> int:
        """Frames of a window."""
        return self.features.frame_count(self.window_s)

    @property
    def hop_frames(self) -> int:
        """Frames between the windows of a recording."""
        return round(self.hop_s * self.features.sample_rate / self.features.hop_length)
