"""Training of one model from start to end: cross-validation, calibration, the shipped network, its card."""

from pathlib import Path
from typing import Final

from models_tflite.training.assessment import assessment, card, model_files
from models_tflite.training.corpus import corpus
from models_tflite.training.recipes.recipe import Recipe

FOLDS: Final = 3
"""Folds of the cross-validation, where the authors of a dataset made none."""


def train(recipe: Recipe, data: Path, out: Path, folds: int | None) -> None:
    """Train `recipe` on `data`, judge it by `folds`, and replace its files in `out`.

    Raises:
        TrainingError, AudioError: data that cannot be learned from, or no permission; nothing was written.
    """
    heard = corpus.load(recipe.gather(data), recipe.labels, recipe.features, recipe.trim_db)
    model_files.check_writable(out)
    from models_tflite.training.assessment import cross_validation  # noqa: PLC0415 TensorFlow: seconds
    from models_tflite.training.networks import conversion, fit  # noqa: PLC0415 TensorFlow: seconds

    recipe = recipe.adapted_to(heard.recordings)
    start = None
    if recipe.pretraining is not None:
        first = recipe.pretraining
        before = corpus.load(first.gather(data), first.labels, first.features, first.trim_db)
        start = fit.fit(before, first, None, first.seed, f"{first.model} to start from")
    unheard = cross_validation.cross_validate(heard, recipe, start, folds or _folds(heard))
    judged = assessment.assess(unheard, recipe, cross_validation.leave_one_site_out(heard, recipe))
    model = fit.fit(heard, recipe, start, recipe.seed, f"{recipe.model} on everything")
    seen, _ = fit.corpus_windows(heard, recipe)
    content = conversion.to_int8(model, conversion.representative(seen))
    document = card.document(recipe, judged, content, len(heard))
    model_files.write(out, card.measured(document, content, recipe, data), content)
    balanced = judged.figures["cross_validation"]["balanced_accuracy"]
    print(f"{recipe.model}: balanced accuracy {balanced:.3f} on groups never heard; written to {out}")


def _folds(heard: corpus.Corpus) -> int:
    """Return how many folds the dataset's authors made of it, or ours."""
    official = {recording.fold for recording in heard.recordings}
    return FOLDS if "" in official or len(official) == 1 else len(official)
