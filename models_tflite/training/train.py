"""Training of one model from start to end: cross-validation, calibration, the shipped network, its card."""

from pathlib import Path
from typing import Final

from models_tflite.training.assessment import assessment, card, model_files
from models_tflite.training.corpus.corpus import Corpus, load_corpus
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.teachers import state_dict

FOLDS: Final = 3
"""Folds of the cross-validation, where the authors of a dataset made none."""


def train(recipe: Recipe, data: Path, out: Path, folds: int | None) -> None:
    """Train `recipe` on `data`, cross-validate it, and replace the files of its model in `out`.

    Args:
        recipe: of the model.
        data: folder of the datasets, or class folders.
        out: folder of the model's files.
        folds: of the cross-validation; None: those of the dataset's authors, or `FOLDS`.

    Raises:
        TrainingError, AudioError: data or a teacher that cannot be trained on, or no permission; nothing was
            written.
    """
    if recipe.lessons is not None:
        # A wrong file is refused before the work, not in its midst.
        state_dict.read(recipe.lessons.weights, recipe.lessons.sha256)
    corpus = _load(recipe, data)
    model_files.check_writable(out)
    from models_tflite.training.assessment import cross_validation  # noqa: PLC0415 TensorFlow: seconds
    from models_tflite.training.networks import batches, conversion, fit  # noqa: PLC0415 TensorFlow: seconds

    recipe = recipe.adapted_to(corpus.recordings)
    initial = None
    if recipe.pretraining is not None:
        first = recipe.pretraining
        initial = fit.fit(_load(first, data), first, None, first.seed, f"{first.model} to start from")
    predictions = cross_validation.cross_validate(corpus, recipe, initial, folds or _default_folds(corpus))
    assessed = assessment.assess(predictions, recipe, cross_validation.leave_one_site_out(corpus, recipe))
    model = fit.fit(corpus, recipe, initial, recipe.seed, f"{recipe.model} on everything")
    inputs, _ = batches.corpus_windows(corpus, recipe)
    content = conversion.to_int8(model, conversion.representative(inputs))
    document = card.document(recipe, assessed, content, len(corpus))
    model_files.write(out, card.measured(document, content, recipe, data), content)
    balanced = assessed.figures["cross_validation"]["balanced_accuracy"]
    print(f"{recipe.model}: balanced accuracy {balanced:.3f} on unseen groups; written to {out}")


def _load(recipe: Recipe, data: Path) -> Corpus:
    return load_corpus(recipe.gather(data), recipe.labels, recipe.features, recipe.trim_db)


def _default_folds(corpus: Corpus) -> int:
    """Return the number of folds that the dataset's authors made, or `FOLDS`."""
    official = {recording.fold for recording in corpus.recordings}
    return FOLDS if "" in official or len(official) == 1 else len(official)
