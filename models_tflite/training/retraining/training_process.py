"""One training in a process of its own: what it breaks or fills, ends with it."""

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

_LOOK_EVERY_S: Final = 0.2
_END_WITHIN_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What is to be trained."""

    model: str
    version: str
    learn: tuple[Recording, ...]
    data: Path | None
    """Folder of the public datasets, for what a recipe trains first; None: there is none."""
    out: Path
    """Folder that the pair is written into."""
    epochs: int | None = None
    """None: what the recipe says."""


Progress = dict[str, Any]
"""`phase`, and while it trains `epoch` of `epochs`."""

TrainFunction = Callable[[TrainingRequest, Callable[[Progress], None]], None]
"""Trains, tells how far it is, writes the pair; raises StethoError with one sentence."""


def run(trainer: TrainFunction, order: TrainingRequest, note: Callable[[Progress | None], None]) -> None:
    """Run a trainer elsewhere and wait for its end.

    `note` hears what the trainer tells, and None several times a second; what it raises ends the training.

    Raises:
        TrainingError: the trainer's own sentence, or that its process died.
    """
    context = multiprocessing.get_context("spawn")  # a fork would take threads and locks along
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(trainer, order, sender), name="training", daemon=True)
    process.start()
    sender.close()
    try:
        _listen(receiver, note)
        process.join(_END_WITHIN_S)
    finally:
        process.kill()
        process.join()
        receiver.close()
    if process.exitcode:
        raise TrainingError(
            f"the training process ended with {process.exitcode}: look into the log, was there memory enough?"
        )


def _listen(receiver: "Connection[Any, Any]", note: Callable[[Progress | None], None]) -> None:
    """Hand over what the trainer says until it hangs up."""
    while True:
        note(None)
        try:
            said = receiver.recv() if receiver.poll(_LOOK_EVERY_S) else None
        except EOFError:
            note(None)  # a signal to the group ends both: then the job is interrupted, not failed
            return
        if isinstance(said, str):
            raise TrainingError(said)
        if said is not None:
            note(said)


def _work(trainer: TrainFunction, order: TrainingRequest, sender: "Connection[Any, Any]") -> None:
    for number in (signal.SIGINT, signal.SIGTERM):  # these reach both; the one that waits decides
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        trainer(order, sender.send)
    except (StethoError, OSError) as error:
        sender.send(str(error))


def _end_with_parent() -> None:
    """End this process when the trainer is killed: nobody would hear its end."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
