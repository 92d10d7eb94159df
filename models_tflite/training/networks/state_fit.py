"""Training of the network of `segments`: augmented batches, fitting, conversion to int8."""

from collections.abc import Sequence
from typing import Final

import keras
import numpy as np
from tqdm import tqdm

from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.windowing import normalise, windows
from models_tflite.training.augmentation.augmentation import Augmentation, augment
from models_tflite.training.augmentation.heart_rate import change_heart_rate
from models_tflite.training.corpus.annotated_recording import AnnotatedRecording
from models_tflite.training.networks import conversion, state_network
from models_tflite.training.networks.state_network import HOP, LENGTH

STEPS_PER_EPOCH: Final = 50
BATCH_SIZE: Final = 64
LEARNING_RATE: Final = 4e-3
AUGMENTATION: Final = Augmentation()


class StateBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras ships no types
    """Random augmented batches at other heart rates; the same for the same seed."""

    def __init__(self, recordings: Sequence[AnnotatedRecording], seed: int) -> None:
        super().__init__(workers=1)
        self._recordings, self._seed, self._epoch = recordings, seed, 0
        annotated = np.sqrt([recording.shares.sum() for recording in recordings])
        self._probabilities = annotated / annotated.sum()

    def __len__(self) -> int:
        return STEPS_PER_EPOCH

    def on_epoch_end(self) -> None:
        """Count epochs: each draws other windows."""
        self._epoch += 1

    def __getitem__(self, index: int) -> tuple[Float32Array, Float32Array, Float32Array]:
        rng = np.random.default_rng((self._seed, self._epoch, index))
        drawn = rng.choice(len(self._recordings), BATCH_SIZE, p=self._probabilities)
        hearts = [change_heart_rate(self._recordings[i], LENGTH, rng) for i in drawn]
        inputs, shares = (np.stack(each) for each in zip(*hearts, strict=True))
        known = shares.sum(axis=-1)
        targets = shares / np.maximum(known, 1e-6)[..., np.newaxis]
        return augment(inputs, AUGMENTATION, rng), targets, known / known.mean()


def fit(recordings: Sequence[AnnotatedRecording], epochs: int, seed: int, title: str) -> keras.Model:
    """Train a network; the average of its last weights is kept, so that no epoch has to be chosen."""
    keras.utils.set_random_seed(seed)
    model = state_network.build()
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, epochs * STEPS_PER_EPOCH)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-3, use_ema=True, ema_momentum=0.98),
        keras.losses.CategoricalCrossentropy(from_logits=True),
    )
    with tqdm(total=epochs, desc=title, unit="epoch", disable=None) as bar:
        advance = keras.callbacks.LambdaCallback(on_epoch_end=lambda _epoch, _logs: bar.update())
        model.fit(StateBatches(recordings, seed), epochs=epochs, callbacks=[advance], verbose=0)
    return model


def to_int8(model: keras.Model, recordings: Sequence[AnnotatedRecording]) -> bytes:
    """Return the int8 .tflite file of a network, its ranges calibrated on the training recordings."""
    inputs = np.concatenate(
        [normalise(windows(recording.spectrogram, LENGTH, HOP)) for recording in recordings]
    )
    return conversion.to_int8(model, conversion.representative(inputs))
