"""`python -m models_tflite.training MODEL --data DIR`: train, judge and convert a model, write its card."""

import argparse
import dataclasses
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_worker.classifier import features_document
from edge_worker.errors import StethoError
from models_tflite.training.recipe import Recipe

if TYPE_CHECKING:
    from models_tflite.training.assessment import Assessment

EXAMPLES = """examples:
  python -m models_tflite.training heart2 --data ../shared/datasets
  python -m models_tflite.training heart5 --data ../shared/datasets --out /tmp/models --epochs 5 --folds 2
"""
REPRESENTATIVE_WINDOWS = 400


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options = _parser().parse_args(arguments)
    try:
        recipe = _chosen(options)
        train(recipe, options.data, options.out, options.folds)
    except (StethoError, OSError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    return 0


def train(recipe: Recipe, data: Path, out: Path, folds: int) -> None:
    """Train `recipe` on `data`, judge it by `folds`, and replace the pair in `out`."""
    from models_tflite.training import assessment, conversion, corpus, fit  # noqa: PLC0415 TensorFlow: seconds

    heard = corpus.load(recipe.gather(data), recipe.labels, recipe.features, recipe.trim_db)
    conversion.check_writable(out)
    start = None
    if recipe.start is not None:
        before = corpus.load(
            recipe.start.gather(data), recipe.start.labels, recipe.start.features, recipe.start.trim_db
        )
        start = fit.fit(before, recipe.start, None, recipe.seed, f"{recipe.start.model} to start from")
    judged = assessment.assess(heard, recipe, start, folds, recipe.seed)
    model = fit.fit(heard, recipe, start, recipe.seed, f"{recipe.model} on everything")
    seen, _ = fit.windows_of(heard, recipe)
    chosen = seen[:: max(1, len(seen) // REPRESENTATIVE_WINDOWS)]
    content = conversion.to_int8(model, chosen)
    document = card(recipe, judged, content, len(heard))
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    conversion.replace({out / f"{recipe.model}.tflite": content, out / f"{recipe.model}.json": text.encode()})
    whole = judged.figures["cross_validation"]
    balanced = whole["balanced_accuracy"]
    print(f"{recipe.model}: balanced accuracy {balanced:.3f} on groups never heard; written to {out}")


def card(recipe: Recipe, judged: "Assessment", content: bytes, recordings: int) -> dict[str, Any]:
    """Return the card of a model: what the worker needs first, then what people should know."""
    return {
        "model": recipe.model,
        "version": recipe.version,
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": recipe.labels,
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
        "max_missing_fraction": recipe.max_missing_fraction,
        **recipe.facts,
        "training": {
            "recordings": recordings,
            "epochs": recipe.epochs,
            "steps": recipe.steps,
            "batch": recipe.batch,
            "learning_rate": recipe.learning_rate,
            "mixup": recipe.mixup,
            "seed": recipe.seed,
            "model_bytes": len(content),
        },
        "figures": judged.figures,
    }


def _chosen(options: argparse.Namespace) -> Recipe:
    from models_tflite.training import heart2, heart5  # noqa: PLC0415 after TF_CPP_MIN_LOG_LEVEL

    recipe = {"heart2": heart2.RECIPE, "heart5": heart5.RECIPE}[options.model]
    seed = recipe.seed if options.seed is None else options.seed
    recipe = dataclasses.replace(recipe, seed=seed)
    if options.epochs is None:
        return recipe
    start = recipe.start and dataclasses.replace(recipe.start, epochs=options.epochs)
    return dataclasses.replace(recipe, epochs=options.epochs, start=start)


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
        description="Train a model on real recordings, judge it on groups it never heard, and write the pair "
        "MODEL.tflite + MODEL.json.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=("heart2", "heart5"))
    parser.add_argument(
        "--data", type=Path, required=True, help="folder that holds physionet2016, circor, pascal-heart"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parents[1],
        help="where the pair goes (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=_positive, help="default: what the recipe says")
    parser.add_argument(
        "--folds", type=_two_or_more, default=3, help="of the cross-validation (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, help="default: what the recipe says")
    return parser


if __name__ == "__main__":
    sys.exit(main())
