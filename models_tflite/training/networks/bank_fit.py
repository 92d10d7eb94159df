"""Training of a network on a bank of clips: a teacher's embeddings, and the labels of several models.

The labels of each model are a head of the network; of the heads, the one of the recipe's model is kept.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import keras
import numpy as np

from edge_worker.signal.arrays import Float32Array
from models_tflite.training.augmentation import sampling
from models_tflite.training.augmentation.augmentation import augment
from models_tflite.training.corpus.corpus import Corpus, Recording
from models_tflite.training.networks.partial_label_loss import Loss
from models_tflite.training.recipes.recipe import Lessons, Recipe
from models_tflite.training.teachers import clip_bank, soft_labels
from models_tflite.training.teachers.audio_tagger import AudioTagger
from models_tflite.training.teachers.clip_bank import ClipBank, ClipForm

EMBEDDING_WEIGHT: Final = 2.0
"""Weight of the squared error of embeddings, beside the cross-entropy of each head."""

BACKGROUND_WEIGHT: Final = 3.0
"""How likely none of the labels is beforehand, as against one; as in `sampling.background_weighted`."""


class BankBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Batches of a bank in random order, each clip shifted in time and augmented anew."""

    def __init__(self, bank: ClipBank, targets: Float32Array, recipe: Recipe, seed: int) -> None:
        super().__init__(workers=1)
        self._bank, self._targets, self._recipe, self._seed = bank, targets, recipe, seed
        self._epoch = 0

    def __len__(self) -> int:
        return self._recipe.steps_per_epoch

    def on_epoch_end(self) -> None:
        """Count epochs: each draws other clips."""
        self._epoch += 1

    def __getitem__(self, index: int) -> tuple[Float32Array, Float32Array]:
        size = min(self._recipe.batch_size, len(self._bank))
        number = self._epoch * len(self) + index
        turn, place = divmod(number, len(self._bank) // size)
        order = np.random.default_rng((self._seed, turn)).permutation(len(self._bank))
        chosen = order[place * size : (place + 1) * size]
        rng = np.random.default_rng((self._seed, 1, number))
        windows = self._bank.features(chosen)
        for window in windows:
            window[:] = np.roll(window, rng.integers(len(window)), axis=0)
        return augment(windows, self._recipe.augmentation, rng), self._targets[chosen]


def fit(
    corpus: Corpus,
    recipe: Recipe,
    lessons: Lessons,
    network: keras.Model,
    *,
    seed: int,
    progress: keras.callbacks.Callback,
) -> keras.Model:
    """Train a network on the bank of a corpus; return it with the outputs of the kept head only.

    Args:
        corpus: recordings; their folds are numbers, and clips mix sounds of one fold.
        recipe: of the network.
        lessons: of the recipe.
        network: untrained, with the outputs of all heads.
        seed: of the batches.
        progress: is told of each epoch.

    Raises:
        TrainingError, AudioError: the teacher's weights or a recording are missing or damaged.
    """
    bank = clip_bank.concatenate(list(_banks(corpus.recordings, recipe, lessons)))
    targets = np.hstack(
        [_head_targets(soft_labels.kind_targets(bank), lessons), soft_labels.embedding_targets(bank)]
    )
    embedding = keras.layers.Dense(bank.embeddings.shape[1])(network.layers[-1].input)
    taught = keras.Model(network.input, keras.layers.Concatenate()([network.output, embedding]))
    rate = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate, recipe.epochs * recipe.steps_per_epoch
    )
    taught.compile(keras.optimizers.AdamW(rate, weight_decay=1e-3, use_ema=True), _loss(lessons))
    batches = BankBatches(bank, targets, recipe, seed)
    taught.fit(batches, epochs=recipe.epochs, verbose=0, callbacks=[progress])
    taught.optimizer.finalize_variable_values(taught.trainable_variables)  # the averaged weights
    return _with_kept_head(network, lessons, bank)


def _banks(recordings: Iterable[Recording], recipe: Recipe, lessons: Lessons) -> Iterator[ClipBank]:
    """Yield the bank of each fold."""
    in_fold: dict[str, list[Recording]] = defaultdict(list)
    for recording in recordings:
        in_fold[recording.fold].append(recording)
    for _, of_fold in sorted(in_fold.items()):
        yield _bank(tuple(of_fold), ClipForm(recipe.features, recipe.window_s, recipe.trim_db), lessons)


@lru_cache(maxsize=8)
def _bank(recordings: tuple[Recording, ...], form: ClipForm, lessons: Lessons) -> ClipBank:
    """Return the bank of one fold; every network of a cross-validation learns from the same."""
    tagger = _tagger(lessons.weights, lessons.sha256)
    return clip_bank.make(
        recordings,
        sampling.by_site_kind_and_source(recordings, dict(lessons.site_weights)),
        lessons.kinds,
        form,
        clips=round(lessons.clips_per_recording * len(recordings)),
        teacher=lambda clips: tagger.embed_clips(clips, form.features.sample_rate),
        seed=int(recordings[0].fold),
    )


@lru_cache(maxsize=1)
def _tagger(weights: Path, sha256: str) -> AudioTagger:
    return AudioTagger.load(weights, sha256)


def _head_targets(kinds: Float32Array, lessons: Lessons) -> Float32Array:
    """Return the probabilities of the outputs of all heads, (clips, outputs), by kind, (clips, kinds + 1)."""
    index = {kind: i for i, kind in enumerate(lessons.kinds)}
    heads = [kinds[:, [index[kind] for kind in head]] for head in lessons.heads]
    return np.hstack([part for head in heads for part in (head, 1 - head.sum(axis=1, keepdims=True))])


def _slices(lessons: Lessons) -> list[slice]:
    """Return the outputs of each head."""
    ends = np.cumsum([len(head) + 1 for head in lessons.heads]).tolist()
    return [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


def _loss(lessons: Lessons) -> Loss:
    """Return the loss: cross-entropy of each head, and the squared error of embeddings."""

    def loss(targets: keras.KerasTensor, predicted: keras.KerasTensor) -> keras.KerasTensor:
        embedding = slice(lessons.outputs, None)
        error = keras.losses.mean_squared_error(targets[:, embedding], predicted[:, embedding])
        return EMBEDDING_WEIGHT * error + sum(
            keras.losses.categorical_crossentropy(targets[:, head], predicted[:, head], from_logits=True)
            for head in _slices(lessons)
        )

    return loss


def _with_kept_head(network: keras.Model, lessons: Lessons, bank: ClipBank) -> keras.Model:
    """Return the network with the outputs of the kept head only, all labels as likely beforehand.

    A bank has far more of what is none of one model's labels than of any; its biases are corrected for that
    (logit adjustment, Menon et al., ICLR 2021).
    """
    kept, last = _slices(lessons)[lessons.head], network.layers[-1]
    own = np.column_stack([bank.shares, 1 - bank.shares.sum(axis=1)])
    in_bank = _head_targets(own, lessons)[:, kept].mean(axis=0)
    wanted = np.append(np.ones(len(in_bank) - 1), BACKGROUND_WEIGHT)
    head = keras.layers.Dense(len(in_bank), dtype="float32")
    model = keras.Model(network.input, head(last.input))
    kernel, bias = last.get_weights()
    head.set_weights([kernel[:, kept], bias[kept] - np.log(in_bank / wanted)])
    return model
