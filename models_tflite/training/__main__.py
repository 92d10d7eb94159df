"""`stetho train`: train a model and write its card, or run one of the other commands of training."""

import argparse
import dataclasses
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from edge_worker.errors import StethoError
from edge_worker.own_command import pip_install
from models_tflite.training.recipes.recipe import Recipe
from models_tflite.training.recipes.registry import MODELS, recipe_of
from models_tflite.training.recipes.us8k import LESSONS
from models_tflite.training.retraining import class_folders
from models_tflite.training.train import FOLDS, train


class Command(NamedTuple):
    """A subcommand, whose module is imported when it is called."""

    module: str
    """Its name below `models_tflite.training`; its `main` takes the arguments."""
    help: str


COMMANDS: Final = {
    "segments": Command("segments", "train the network that finds S1, systole, S2 and diastole"),
    "card": Command("card", "write a model's files again from a training run"),
    "quality": Command("quality", "fit the quality model: heart or not, clear or not"),
    "hints": Command("hint_maker", "compute the embeddings of public words that `digits` is distilled from"),
    "encoder": Command("encoder_maker", "compress the layers of Whisper that `emotion` is made of"),
    "baseline-hearts": Command("baseline_hearts", "measure the source systems' method for heart sounds"),
    "baseline-sounds": Command(
        "baseline_sounds", "measure the source system's method for environmental sounds"
    ),
    "baseline-speech": Command(
        "baseline_speech", "measure the source systems' methods for words and emotions"
    ),
}
TRAINER_MODULE: Final = "retraining.commands"
TRAINER_COMMANDS: Final = {
    "serve": Command(TRAINER_MODULE, "take retraining jobs from the database and train"),
    "submit": Command(TRAINER_MODULE, "add labelled recordings and queue a job"),
    "jobs": Command(TRAINER_MODULE, "list the jobs"),
    "versions": Command(TRAINER_MODULE, "list the versions of a model"),
    "rollback": Command(TRAINER_MODULE, "put another version to use"),
}
"""The commands of `stetho trainer`, here too."""
EXAMPLES: Final = """examples:
  stetho train heart2 --data ../shared/datasets
  stetho train heart5 --data ../shared/datasets --out /tmp/models --epochs 5 --folds 2
  stetho train us8k --data ../shared/datasets --teacher ../shared/weights/mn04_as.pt
  stetho train digits --data ~/words          ~/words/nine/anna_1.wav: a folder per label
  stetho train segments --help

class folders: DIR/<label>/*.wav|mp3|flac|ogg. Files of one speaker, patient or source must begin alike, up
to the first _ or -, or lie in DIR/<label>/<source>/: they are never on both sides of a split.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and given[0] in COMMANDS:
            return _run(COMMANDS[given[0]], given[1:])
        if given and given[0] in TRAINER_COMMANDS:
            return _run(TRAINER_COMMANDS[given[0]], given)
        options = _parser().parse_args(given)
        train(_chosen(options), options.data, options.out, options.folds, options.keep)
    except ModuleNotFoundError as error:
        if error.name not in {"keras", "tensorflow"}:
            raise
        print(f"training: TensorFlow is not installed: {pip_install('training')}", file=sys.stderr)
        return 2
    except (StethoError, OSError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    return 0


def _run(command: Command, arguments: Sequence[str]) -> int:
    module = importlib.import_module(f"models_tflite.training.{command.module}")
    status: int = module.main(arguments)
    return status


def _table() -> str:
    """Return the subcommands with a line each, for --help."""
    lines = [f"  {name:16} {command.help}" for name, command in (COMMANDS | TRAINER_COMMANDS).items()]
    return "\n".join(["other commands, each with --help:", *lines])


def _chosen(options: argparse.Namespace) -> Recipe:
    recipe = recipe_of(options.model)
    seed = recipe.seed if options.seed is None else options.seed
    recipe = dataclasses.replace(recipe, seed=seed)
    if options.teacher is not None:
        recipe = recipe.taught_from(options.teacher)
    if class_folders.holds_class_folders(options.data, recipe):
        recipe = class_folders.for_class_folders(recipe)
    return recipe.with_epochs(options.epochs)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _two_or_more(text: str) -> int:
    number = int(text)
    if number < 2:  # noqa: PLR2004 one to train on, one to evaluate
        raise argparse.ArgumentTypeError("must be 2 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho train",
        description="Train a model on recordings, cross-validate it by patient, speaker or source, and write "
        "MODEL.tflite, its card MODEL.json and the card's page MODEL.md.",
        epilog=f"{_table()}\n\n{EXAMPLES}",
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
    parser.add_argument("--epochs", type=_positive, help="default: the recipe's")
    parser.add_argument(
        "--folds", type=_two_or_more, help=f"of the cross-validation (default: the dataset's own, or {FOLDS})"
    )
    parser.add_argument(
        "--keep", type=Path, help="folder for the training run: `stetho train card` makes the files from it"
    )
    parser.add_argument("--seed", type=int, help="default: the recipe's")
    parser.add_argument(
        "--teacher",
        type=Path,
        help=f"weights of the network that us8k learns from (default: {LESSONS.weights})",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
