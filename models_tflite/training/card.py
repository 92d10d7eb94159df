"""`stetho train card MODEL`: write a model's files again from the folder of a training run."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_worker.errors import StethoError
from models_tflite.training.assessment import model_files, shipped_files
from models_tflite.training.assessment.training_run import TrainedModel
from models_tflite.training.corpus.corpus import TrainingError, load_corpus
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.recipes.registry import MODELS, recipe_of

EXAMPLES = """example:
  stetho train heart2 --data ../shared/datasets --keep ~/runs/heart2
  stetho train card heart2 --run ~/runs/heart2 --data ../shared/datasets --out models_tflite
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        model_files.check_writable(options.out)
        recipe = recipe_of(options.model)
        if options.baseline:
            recipe = _with_baseline(recipe, options.baseline)
        TrainedModel.load(options.run, recipe)  # fails before the recordings are read
        corpus = load_corpus(recipe.gather(options.data), recipe.labels, recipe.features, recipe.trim_db)
        shipped_files.write(recipe, options.data, corpus, options.run, options.out)
    except (StethoError, OSError) as error:
        print(f"card: {error}", file=sys.stderr)
        return 2
    return 0


def _with_baseline(recipe: Recipe, path: Path) -> Recipe:
    """Return the recipe with another baseline in its facts."""
    return dataclasses.replace(recipe, facts={**recipe.facts, "baseline": _baseline(path)})


def _baseline(path: Path) -> dict[str, Any]:
    try:
        baseline = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(f"{path} is not JSON ({error}): write the baseline's figures again") from error
    if not isinstance(baseline, dict):
        raise TrainingError(f"{path} holds no object: write the baseline as name and number")
    return baseline


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho train card",
        description="Write MODEL.tflite, its card MODEL.json and its page MODEL.md from a training run.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--run", type=Path, required=True, help="folder that `stetho train --keep` wrote")
    parser.add_argument("--baseline", type=Path, help="JSON with method and figures of the source's method")
    parser.add_argument("--data", type=Path, required=True, help="folder of the datasets")
    parser.add_argument("--out", type=Path, required=True, help="where the files go")
    return parser


if __name__ == "__main__":
    sys.exit(main())
