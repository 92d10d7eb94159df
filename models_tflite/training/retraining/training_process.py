"""One training in a child process: if it runs out of memory or crashes, the trainer goes on."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from edge_worker.errors import StethoError
from models_tflite.training.corpus.corpus import Recording, TrainingError

_POLL_S: Final = 0.2
_END_WITHIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """A model to train, and what on."""

    model: str
    version: str
    recordings: tuple[Recording, ...]
    data: Path | None
    """Folder of the public datasets, for pretraining; None: there is none."""
    out: Path
    """Folder that the model's files are written into."""
    epochs: int | None = None
    """Epochs; None: the recipe's."""


Progress = dict[str, Any]
"""`phase`, and while it trains `epoch` of `epochs`."""

TrainFunction = Callable[[TrainingRequest, Callable[[Progress], None]], None]
"""Trains, reports its progress, writes the model's files; raises StethoError with one sentence."""


def run(train: TrainFunction, request: TrainingRequest, report: Callable[[Progress | None], None]) -> None:
    """Run `train` in a child process and wait for its end.

    `report` gets the progress, and None several times a second; what it raises ends the training.

    Raises:
        TrainingError: the message of the error that `train` raised, or that its process died.
    """
    context = multiprocessing.get_context("spawn")  # a fork would take threads and locks along
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_run_in_child, args=(train, request, sender), name="training", daemon=True
    )
    process.start()
    sender.close()
    try:
        _relay_progress(receiver, report)
        process.join(_END_WITHIN_S)
    finally:
        process.kill()
        process.join()
        receiver.close()
    if process.exitcode:
        raise TrainingError(
            f"the training process ended with {process.exitcode}: look into the log, was there memory enough?"
        )


def _relay_progress(receiver: "Connection[Any, Any]", report: Callable[[Progress | None], None]) -> None:
    """Hand the child's messages to `report` until it closes the pipe."""
    while True:
        report(None)
        try:
            message = receiver.recv() if receiver.poll(_POLL_S) else None
        except EOFError:
            report(None)  # a signal to the group ends both: then the job is interrupted, not failed
            return
        if isinstance(message, str):
            raise TrainingError(message)
        if message is not None:
            report(message)


def _run_in_child(train: TrainFunction, request: TrainingRequest, sender: "Connection[Any, Any]") -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # these reach both; the one that waits decides
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        train(request, sender.send)
    except (StethoError, OSError) as error:
        sender.send(str(error))


def _end_with_parent() -> None:
    """End this process when the trainer is killed: its result would reach nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
