"""`python -m models_tflite.training.card MODEL …`: a model's card, from predictions that were kept.

Training calls the same functions; the command makes a card anew without training again.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_worker.errors import StethoError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.model_card import ModelCard
from edge_worker.signal.features import features_document
from models_tflite.evaluation import cost
from models_tflite.training.assessment import assessment, check, out_of_fold, pair
from models_tflite.training.assessment.assessment import Assessment
from models_tflite.training.assessment.out_of_fold import OutOfFold
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.recipes.registry import MODELS, recipe_of

EXAMPLES = """example:
  python -m models_tflite.training.card heart2 --predictions oof_heart2.npz --network heart2.tflite \\
      --data ../shared/datasets --out models_tflite
"""


def document(recipe: Recipe, judged: Assessment, content: bytes, recordings: int) -> dict[str, Any]:
    """Return the card of a model: what the worker needs first, then what people should know."""
    return {
        "model": recipe.model,
        "version": recipe.version,
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": list(recipe.labels),
        "features": features_document(recipe.features),
        "window_s": recipe.window_s,
        "hop_s": recipe.hop_s,
        "hears": recipe.hears,
        "pad": recipe.pad,
        "trim_db": recipe.trim_db,
        "background": recipe.background,
        "normalisation": "per window: 60 dB deep at most, mean 0, standard deviation 1",
        "temperature": round(judged.temperature, 4),
        "threshold": round(judged.threshold, 3),
        "threshold_rule": judged.threshold_rule,
        "max_missing_fraction": recipe.max_missing_fraction,
        **recipe.facts,
        "training": {
            "recordings": recordings,
            "epochs": recipe.epochs,
            "steps": recipe.steps,
            "batch": recipe.batch,
            "learning_rate": recipe.learning_rate,
            "mixup": recipe.mixup,
            "overlaid": recipe.overlaid,
            "teacher": recipe.teacher and _network(recipe.teacher),
            "seed": recipe.seed,
            "model_bytes": len(content),
        },
        "figures": judged.figures,
    }


def _network(recipe: Recipe) -> dict[str, Any]:
    """Return what network a recipe trains, and for how long."""
    return {"network": recipe.network, "widths": list(recipe.widths), "epochs": recipe.epochs}


def measured(card: dict[str, Any], content: bytes, recipe: Recipe, data: Path) -> dict[str, Any]:
    """Return a card with what only the finished pair can tell: its cost here, and what tests hold it to."""
    classifier = Classifier(ModelCard.parse(json.dumps(card)), content)
    return {
        **card,
        "cost": cost.measure(classifier, content),
        "check": check.record(classifier, recipe, data),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        pair.check_writable(options.out)
        recipe = recipe_of(options.model)
        away = options.sites and OutOfFold.load(options.sites)
        unheard = out_of_fold.joined([OutOfFold.load(path) for path in options.predictions])
        judged = assessment.assess(unheard, recipe, away)
        content = options.network.read_bytes()
        card = document(recipe, judged, content, sum(1 for _ in recipe.gather(options.data)))
        if options.baseline:
            card["baseline"] = _baseline(options.baseline)
        pair.write(options.out, measured(card, content, recipe, options.data), content)
    except (StethoError, OSError) as error:
        print(f"card: {error}", file=sys.stderr)
        return 2
    return 0


def _baseline(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TrainingError(f"{path} is not JSON ({error}): write the baseline's figures again") from error
    if not isinstance(found, dict):
        raise TrainingError(f"{path} holds no object: write the baseline as name and number")
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.training.card",
        description="Write MODEL.tflite, its card MODEL.json and its page MODEL.md from kept predictions.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=MODELS)
    parser.add_argument(
        "--predictions",
        type=Path,
        nargs="+",
        required=True,
        help="out-of-fold predictions, .npz, one or a fold each",
    )
    parser.add_argument("--sites", type=Path, help="predictions for sites that were held out whole, .npz")
    parser.add_argument("--network", type=Path, required=True, help="the int8 .tflite trained on everything")
    parser.add_argument("--baseline", type=Path, help="JSON with method and figures of the source's method")
    parser.add_argument("--data", type=Path, required=True, help="folder of the datasets")
    parser.add_argument("--out", type=Path, required=True, help="where the files go")
    return parser


if __name__ == "__main__":
    sys.exit(main())
