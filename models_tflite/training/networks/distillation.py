"""A small network that learns what a larger one says of the same windows: it hears more than by labels alone.

Distillation (Hinton et al. 2015), of each window as it is disturbed and mixed anew for both (Beyer et al.,
Knowledge distillation: A good teacher is patient and consistent, CVPR 2022).
"""

from typing import Final

import keras

from models_tflite.training.networks.partial_label_loss import Loss

WEIGHT: Final = 0.7
"""Of what the teacher says; the rest is of the labels."""
TEMPERATURE: Final = 2.0
"""Softens what is said, so that the teacher's doubts count, too."""


def with_teacher_output(model: keras.Model, teacher: keras.Model) -> keras.Model:
    """Return a network that says the logits of `model`, which alone learns, and what its teacher says."""
    teacher.trainable = False
    teacher.name = "teacher"  # names in a network are different, and both may be called the same
    window = keras.Input(model.input_shape[1:])
    soft = keras.ops.softmax(keras.ops.cast(teacher(window, training=False), "float32") / TEMPERATURE)
    return keras.Model(window, keras.layers.Concatenate(dtype="float32")([model(window), soft]))


def loss(outputs: int, label_loss: Loss) -> Loss:
    """Return the loss of what `with_teacher_output` says, of which the first `outputs` are logits."""

    def of(wanted: keras.KerasTensor, said: keras.KerasTensor) -> keras.KerasTensor:
        logits, soft = said[:, :outputs], said[:, outputs:]
        by_teacher = keras.losses.categorical_crossentropy(soft, logits / TEMPERATURE, from_logits=True)
        return (1 - WEIGHT) * label_loss(wanted, logits) + WEIGHT * TEMPERATURE**2 * by_teacher

    return of
