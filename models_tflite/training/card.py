"""`stetho train card MODEL`: write a model's files from saved out-of-fold predictions."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_worker.errors import StethoError
from models_tflite.training.assessment import assessment, card, model_files, out_of_fold
from models_tflite.training.assessment.out_of_fold import OutOfFoldPredictions
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.recipes.registry import MODELS, recipe_of

EXAMPLES = """example:
  stetho train card heart2 --predictions oof_heart2.npz --network heart2.tflite \\
      --data ../shared/datasets --out models_tflite
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        model_files.check_writable(options.out)
        recipe = recipe_of(options.model)
        held_out_sites = options.sites and OutOfFoldPredictions.load(options.sites)
        predictions = out_of_fold.concatenate(
            [OutOfFoldPredictions.load(path) for path in options.predictions]
        )
        assessed = assessment.assess(predictions, recipe, held_out_sites)
        content = options.network.read_bytes()
        document = card.document(recipe, assessed, content, sum(1 for _ in recipe.gather(options.data)))
        if options.baseline:
            document["baseline"] = _baseline(options.baseline)
        model_files.write(options.out, card.measured(document, content, recipe, options.data), content)
    except (StethoError, OSError) as error:
        print(f"card: {error}", file=sys.stderr)
        return 2
    return 0


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
        description="Write MODEL.tflite, its card MODEL.json and its page MODEL.md from saved predictions.",
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
    parser.add_argument(
        "--sites", type=Path, help="predictions for sites by models trained without them, .npz"
    )
    parser.add_argument("--network", type=Path, required=True, help="the int8 .tflite trained on everything")
    parser.add_argument("--baseline", type=Path, help="JSON with method and figures of the source's method")
    parser.add_argument("--data", type=Path, required=True, help="folder of the datasets")
    parser.add_argument("--out", type=Path, required=True, help="where the files go")
    return parser


if __name__ == "__main__":
    sys.exit(main())
