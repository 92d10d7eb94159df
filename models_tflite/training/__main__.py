"""`python -m models_tflite.training MODEL --data DIR`: train, judge and convert a model, write its card."""

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge_worker.errors import StethoError
from models_tflite.training import card
from models_tflite.training.assessment import assessment, pair
from models_tflite.training.corpus import corpus
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.recipes.registry import MODELS, recipe_of
from models_tflite.training.retraining import folders

EXAMPLES: Final = """examples:
  python -m models_tflite.training heart2 --data ../shared/datasets
  python -m models_tflite.training heart5 --data ../shared/datasets --out /tmp/models --epochs 5 --folds 2
  python -m models_tflite.training digits --data ~/words          ~/words/nine/anna_1.wav: a folder per label
  python -m models_tflite.training serve --help                   and submit, jobs, versions, rollback
  python -m models_tflite.training segments --help                the network that marks S1 and S2

class folders: DIR/<label>/*.wav|mp3|flac|ogg. Files of one speaker, patient or source must begin alike, up
to the first _ or -, or lie in DIR/<label>/<source>/: they never stand on both sides of a split.
"""
FOLDS: Final = 3
"""Of the cross-validation, where the authors of a dataset made none."""
RETRAINING: Final = ("serve", "submit", "jobs", "versions", "rollback")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in RETRAINING:
        from models_tflite.training.retraining import commands  # noqa: PLC0415 database and MQTT: training needs neither

        return commands.main(given)
    if given and given[0] == "segments":
        from models_tflite.training import segments  # noqa: PLC0415 it is another network

        return segments.main(given[1:])
    options = _parser().parse_args(given)
    try:
        train(_chosen(options), options.data, options.out, options.folds)
    except (StethoError, OSError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    return 0


def train(recipe: Recipe, data: Path, out: Path, folds: int | None) -> None:
    """Train `recipe` on `data`, judge it by `folds`, and replace its files in `out`.

    Raises:
        TrainingError, AudioError: data that cannot be learned from, or no permission; nothing was written.
    """
    heard = corpus.load(recipe.gather(data), recipe.labels, recipe.features, recipe.trim_db)
    pair.check_writable(out)
    from models_tflite.training.assessment import cross_validation  # noqa: PLC0415 TensorFlow: seconds
    from models_tflite.training.networks import conversion, fit  # noqa: PLC0415 TensorFlow: seconds

    recipe = recipe.for_what_is_there(heard.recordings)
    start = None
    if recipe.start is not None:
        first = recipe.start
        before = corpus.load(first.gather(data), first.labels, first.features, first.trim_db)
        start = fit.fit(before, first, None, first.seed, f"{first.model} to start from")
    unheard = cross_validation.predict(heard, recipe, start, folds or _folds(heard))
    judged = assessment.assess(unheard, recipe, cross_validation.predict_sites(heard, recipe))
    model = fit.fit(heard, recipe, start, recipe.seed, f"{recipe.model} on everything")
    seen, _ = fit.windows_of(heard, recipe)
    content = conversion.to_int8(model, conversion.representative(seen))
    document = card.document(recipe, judged, content, len(heard))
    pair.write(out, card.measured(document, content, recipe, data), content)
    balanced = judged.figures["cross_validation"]["balanced_accuracy"]
    print(f"{recipe.model}: balanced accuracy {balanced:.3f} on groups never heard; written to {out}")


def _folds(heard: corpus.Corpus) -> int:
    """Return how many folds the dataset's authors made of it, or ours."""
    official = {recording.fold for recording in heard.recordings}
    return FOLDS if "" in official or len(official) == 1 else len(official)


def _chosen(options: argparse.Namespace) -> Recipe:
    recipe = recipe_of(options.model)
    seed = recipe.seed if options.seed is None else options.seed
    recipe = dataclasses.replace(recipe, seed=seed)
    if folders.holds_classes(options.data, recipe):
        recipe = folders.adapted(recipe)
    return recipe.shortened(options.epochs)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _two_or_more(text: str) -> int:
    number = int(text)
    if number < 2:  # noqa: PLR2004 one part to learn from, one to judge
        raise argparse.ArgumentTypeError("must be 2 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.training",
        description="Train a model on real recordings, judge it on groups it never heard, and write "
        "MODEL.tflite, its card MODEL.json and the card's page MODEL.md.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=MODELS)
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds the public datasets, or class folders"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parents[1],
        help="where the files go (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=_positive, help="default: what the recipe says")
    parser.add_argument(
        "--folds", type=_two_or_more, help=f"of the cross-validation (default: the dataset's own, or {FOLDS})"
    )
    parser.add_argument("--seed", type=int, help="default: what the recipe says")
    return parser


if __name__ == "__main__":
    sys.exit(main())
