"""`stetho trainer`: serve, submit, jobs, versions and rollback, the commands of retraining."""

import argparse
import importlib.util
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from edge_worker.audio_store.opening import open_audio
from edge_worker.database.store import StoreFault
from edge_worker.database.training import Job, TrainingTables
from edge_worker.directory_lock import lock_directory
from edge_worker.errors import StethoError
from edge_worker.inference.model_registry import SHIPPED, ModelRegistry
from edge_worker.own_command import pip_install
from edge_worker.private_files import keep_private
from edge_worker.settings import Settings
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.retraining import review_clips, upload
from models_tflite.training.retraining.deployment import ModelDeployment
from models_tflite.training.retraining.service import RetrainingService

_EXAMPLES: Final = """examples:
  stetho trainer submit heart2 --data ~/labelled    ~/labelled/normal/*.wav and so on
  stetho trainer corrections heart2                 the recordings that reviewers corrected
  stetho trainer serve --data ../shared/datasets    train what is submitted, until SIGTERM
  stetho trainer serve --once                       from uploads alone, then end
  stetho trainer jobs
  stetho trainer versions heart2
  stetho trainer rollback heart2 shipped

settings: STETHO_DATA_DIR, STETHO_DATABASE_URL, STETHO_MODELS_DIR as the worker's; docs/operations.md."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status: 0, or 2 with one sentence on stderr."""
    options = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace, Settings, TrainingTables], None] = options.run
    try:
        settings = Settings.from_environ(os.environ)
        keep_private(settings.data_dir)
        tables = TrainingTables.open(settings.database)
        try:
            run(options, settings, tables)
        finally:
            tables.close()
    except (StethoError, OSError, *StoreFault) as error:
        print(f"training: {str(error).split(chr(10), 1)[0]}", file=sys.stderr)
        return 2
    return 0


def _serve(options: argparse.Namespace, settings: Settings, tables: TrainingTables) -> None:
    if importlib.util.find_spec("tensorflow") is None:
        raise TrainingError(f"TensorFlow is not installed: {pip_install('training')}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s level=%(levelname)s %(message)s", stream=sys.stdout
    )
    refusal = f"another trainer serves {settings.data_dir}; one is enough, it takes the jobs in turn"
    with lock_directory(settings.data_dir / upload.TRAINER_LOCK, refusal):
        service = RetrainingService(settings, tables, data=options.data, epochs=options.epochs)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: service.stop())
        logging.info("event=ready data=%s", options.data or "-")
        service.run(once=options.once)
        logging.info("event=stopped")


def _submit(options: argparse.Namespace, settings: Settings, tables: TrainingTables) -> None:
    labels = ModelDeployment(ModelRegistry.from_settings(settings), tables).active(options.model).card.labels
    uploads = list(upload.read_class_folders(options.data, labels))
    with lock_directory(
        settings.data_dir / "submit.lock", "another submit is at work here: repeat it afterwards"
    ):
        added = upload.add(tables, settings.data_dir, options.model, labels, uploads)
    held_out = sum(clip.held_out for clip in added)
    print(f"{len(added)} new clips of {len(uploads)} files, {held_out} of them held out for evaluation")
    upload.require_two_sources(tables.clips(options.model), labels)
    print(f"job {tables.queue_job(options.model)} waits for `serve`")


def _corrections(options: argparse.Namespace, settings: Settings, tables: TrainingTables) -> None:
    labels = ModelDeployment(ModelRegistry.from_settings(settings), tables).active(options.model).card.labels
    with lock_directory(
        settings.data_dir / "submit.lock", "another submit is at work here: repeat it afterwards"
    ):
        done = review_clips.hand_over(
            tables, open_audio(settings), options.model, labels, with_confirmed=options.confirmed
        )
    print(done.sentence.replace("; ", "\n"))
    upload.require_trainable(tables.clips(options.model), labels)
    print(f"job {tables.queue_job(options.model)} waits for `serve`")


def _jobs(options: argparse.Namespace, _settings: Settings, tables: TrainingTables) -> None:
    for job in tables.jobs(options.limit):
        line = f"{job.id:4} {job.model:8} {job.state:8} {job.finished_at or job.asked_at} "
        print(f"{line}{_progress_or_reason(job)}".rstrip())


def _progress_or_reason(job: Job) -> str:
    if job.state == "running":
        return " ".join(str(value) for value in job.progress.values())
    return str(job.report.get("why", ""))


def _versions(options: argparse.Namespace, settings: Settings, tables: TrainingTables) -> None:
    registry = ModelRegistry.from_settings(settings)
    ModelDeployment(registry, tables).require(options.model)
    active = registry.active(options.model)
    card = registry.card(options.model, None)
    print(f"{'*' if active is None else ' '} {card['version']:24} {card['sha256'][:12]} {SHIPPED}")
    for version in tables.versions(options.model):
        origin = "stored before" if version.job is None else f"job {version.job}"
        mark = "*" if version.version == active else " "
        print(f"{mark} {version.version:24} {version.sha256[:12]} {origin}, {version.made_at}")


def _rollback(options: argparse.Namespace, settings: Settings, tables: TrainingTables) -> None:
    card = (
        ModelDeployment(ModelRegistry.from_settings(settings), tables)
        .roll_back(options.model, options.version)
        .card
    )
    print(
        f"{card.model} {card.version} ({card.sha256[:12]}) is in use from now on; a running worker loads it"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho trainer",
        description="Retrain from labelled uploads; only a model that is better on held-out ones serves.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[..., None], text: str, *, model: bool) -> argparse.ArgumentParser:
        subparser = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=_EXAMPLES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        subparser.set_defaults(run=run)
        if model:
            subparser.add_argument("model", help="name of the model, such as heart2")
        return subparser

    serve = command("serve", _serve, "take jobs from the database and train", model=False)
    serve.add_argument("--once", action="store_true", help="end when no job waits")
    serve.add_argument(
        "--data", type=Path, help="public datasets to train on beside the uploads (default: none)"
    )
    serve.add_argument("--epochs", type=_positive, help="default: the recipe's")
    submit = command("submit", _submit, "add labelled recordings and queue a job", model=True)
    submit.add_argument(
        "--data",
        type=Path,
        required=True,
        help="class folders: a folder per label; folders in it are sources",
    )
    corrections = command(
        "corrections", _corrections, "add what reviewers corrected and queue a job", model=True
    )
    corrections.add_argument("--confirmed", action="store_true", help="also what reviewers confirmed")
    jobs = command("jobs", _jobs, "list the jobs, newest first", model=False)
    jobs.add_argument("--limit", type=_positive, default=20, help="at most so many (default: %(default)s)")
    command("versions", _versions, "list the versions of a model; * is in use", model=True)
    rollback = command("rollback", _rollback, "put another version to use", model=True)
    rollback.add_argument("version", help=f"one that `versions` lists, or {SHIPPED}")
    return parser
