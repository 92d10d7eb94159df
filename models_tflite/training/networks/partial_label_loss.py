"""Cross-entropy for complete and partial labels."""

from collections.abc import Callable

import keras

from models_tflite.training.recipes.recipe import Recipe

Loss = Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]
"""Loss function: targets and predictions, both (windows, columns), to the loss of each window."""


def partial_label_loss(recipe: Recipe) -> Loss:
    """Return the cross-entropy of targets and logits, both (windows, outputs), of each window.

    Where a target adds up to less than 1, the rest is a partial label: its loss is the surprise that the
    window is any of the labels, whichever, and not the background (Cour et al., JMLR 2011).
    """
    labels, outputs, smoothing = len(recipe.labels), recipe.outputs, recipe.label_smoothing

    def loss(targets: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        # Not that of keras: its gradient takes for granted that the targets add up to 1.
        labelled = keras.ops.sum(targets, axis=1, keepdims=True)
        smooth = (1 - smoothing) * targets + smoothing / outputs * labelled
        log_p = keras.ops.log_softmax(logits)
        is_any = keras.ops.logsumexp(log_p[:, :labels], axis=1)
        return -keras.ops.sum(smooth * log_p, axis=1) - (1 - labelled[:, 0]) * is_any

    return loss
