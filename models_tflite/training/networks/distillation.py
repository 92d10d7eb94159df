"""Knowledge distillation: a small network learns the softened outputs of a larger one, its teacher.

Hinton et al. 2015; teacher and student see the same windows, augmented and mixed anew (Beyer et al.,
Knowledge distillation: A good teacher is patient and consistent, CVPR 2022).
"""

from typing import Final

import keras

from models_tflite.training.networks.partial_label_loss import Loss

WEIGHT: Final = 0.7
"""Weight of the teacher's loss; the rest is that of the labels."""
TEMPERATURE: Final = 2.0
"""Softens both distributions, so that the teacher's less likely labels count, too."""


def with_teacher_output(model: keras.Model, teacher: keras.Model) -> keras.Model:
    """Return a network that outputs the logits of `model`, which is trained, and the teacher's softmax."""
    teacher.trainable = False
    teacher.name = "teacher"  # names in a network are different, and both may be called the same
    window = keras.Input(model.input_shape[1:])
    soft = keras.ops.softmax(keras.ops.cast(teacher(window, training=False), "float32") / TEMPERATURE)
    return keras.Model(window, keras.layers.Concatenate(dtype="float32")([model(window), soft]))


def loss(outputs: int, label_loss: Loss) -> Loss:
    """Return the loss for `with_teacher_output`, whose first `outputs` columns are logits."""

    def distillation_loss(targets: keras.KerasTensor, predicted: keras.KerasTensor) -> keras.KerasTensor:
        logits, soft = predicted[:, :outputs], predicted[:, outputs:]
        teacher_loss = keras.losses.categorical_crossentropy(soft, logits / TEMPERATURE, from_logits=True)
        return (1 - WEIGHT) * label_loss(targets, logits) + WEIGHT * TEMPERATURE**2 * teacher_loss

    return distillation_loss
