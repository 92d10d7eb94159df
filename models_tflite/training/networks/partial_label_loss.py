"""What a network loses by what it says of labels: of those that were told, and of those that were not."""

from collections.abc import Callable

import keras

from models_tflite.training.recipes.recipe import Recipe

Loss = Callable[[keras.KerasTensor, keras.KerasTensor], keras.KerasTensor]


def of(recipe: Recipe) -> Loss:
    """Return the cross-entropy of what is wanted and of logits, both (windows, outputs), of each window.

    Where what is wanted adds up to less than 1, the rest is untold: the surprise that it is any of the
    labels, whichever, and not the background (partial labels, Cour et al., JMLR 2011).
    """
    labels, outputs, smoothing = len(recipe.labels), recipe.outputs, recipe.label_smoothing

    def loss(wanted: keras.KerasTensor, logits: keras.KerasTensor) -> keras.KerasTensor:
        # Not that of keras: its gradient takes for granted that what is wanted adds up to 1.
        told = keras.ops.sum(wanted, axis=1, keepdims=True)
        smooth = (1 - smoothing) * wanted + smoothing / outputs * told
        log_p = keras.ops.log_softmax(logits)
        is_any = keras.ops.logsumexp(log_p[:, :labels], axis=1)
        return -keras.ops.sum(smooth * log_p, axis=1) - (1 - told[:, 0]) * is_any

    return loss
