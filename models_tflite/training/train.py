"""Training of one model from start to end: cross-validation, calibration, the shipped network, its card."""

import tempfile
from pathlib import Path
from typing import Final

from models_tflite.training.assessment import model_files, shipped_files
from models_tflite.training.assessment.training_run import SITES, TrainedModel
from models_tflite.training.corpus.corpus import Corpus, load_corpus
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.teachers import state_dict, voice_encoder

FOLDS: Final = 3
"""Folds of the cross-validation, where the authors of a dataset made none."""


def train(recipe: Recipe, data: Path, out: Path, folds: int | None, keep: Path | None = None) -> None:
    """Train `recipe` on `data`, cross-validate it, and replace the files of its model in `out`.

    Args:
        recipe: of the model.
        data: folder of the datasets, or class folders.
        out: folder of the model's files.
        folds: of the cross-validation; None: those of the dataset's authors, or `FOLDS`.
        keep: folder for the training run, of which `stetho train card` makes the files again; None: nowhere.

    Raises:
        TrainingError, AudioError: data or a teacher that cannot be trained on, or no permission; nothing was
            written.
    """
    _require_teacher(recipe)
    corpus = load_corpus(recipe.gather(data), recipe.labels, recipe.features, recipe.trim_db)
    recipe = recipe.adapted_to(corpus.recordings)
    model_files.check_writable(out)
    with tempfile.TemporaryDirectory() as temporary:
        run = keep or Path(temporary)
        train_networks(recipe, data, corpus, run, folds)
        figures = shipped_files.write(recipe, data, corpus, run, out)["figures"]
    balanced = figures["cross_validation"]["balanced_accuracy"]
    print(f"{recipe.model}: balanced accuracy {balanced:.3f} on unseen groups; written to {out}")


def _require_teacher(recipe: Recipe) -> None:
    """Raise TrainingError where the file of a teacher is missing or wrong, before hours of work."""
    if recipe.network == "voice":
        voice_encoder.load(voice_encoder.ENCODER)
    if recipe.lessons is not None:
        state_dict.read(recipe.lessons.weights, recipe.lessons.sha256)


def train_networks(recipe: Recipe, data: Path, corpus: Corpus, run: Path, folds: int | None) -> None:
    """Train the network that ships, those of the cross-validation and those without each held-out site.

    Networks and predictions are written into the folder `run`, each when it is ready.
    """
    from models_tflite.training.assessment import cross_validation, unfamiliar_fit  # noqa: PLC0415 TensorFlow
    from models_tflite.training.networks import fit, shipping  # noqa: PLC0415 TensorFlow: seconds

    initial = None
    if recipe.pretraining is not None:
        first = recipe.pretraining
        public = load_corpus(first.gather(data), first.labels, first.features, first.trim_db)
        initial = fit.fit(public, first, None, first.seed, f"{first.model} to start from")
    for site, trained in cross_validation.leave_one_site_out(corpus, recipe):
        trained.save(run / SITES / site, recipe.model)
    predictions = cross_validation.cross_validate(corpus, recipe, initial, folds or _default_folds(corpus))
    model = fit.fit(corpus, recipe, initial, recipe.seed, f"{recipe.model} on everything")
    content = shipping.to_file(model, corpus, recipe)
    TrainedModel(content, unfamiliar_fit.fit(corpus, recipe), predictions).save(run, recipe.model)


def _default_folds(corpus: Corpus) -> int:
    """Return the number of folds that the dataset's authors made, or `FOLDS`."""
    official = {recording.fold for recording in corpus.recordings}
    return FOLDS if "" in official or len(official) == 1 else len(official)
