"""Damaged files of the program's own that it can do without: moved aside, so that it goes on.

Nothing is deleted at once: an operator may look at what was moved aside, and only the newest of it is kept.
"""

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
FOLDER: Final = "damaged"
"""In the data directory: what was moved aside of the spool."""
_KEPT: Final = 3
"""Files of one name that stay."""
_KEPT_IN_FOLDER: Final = 100


def move_aside(path: Path, reason: object, folder: Path | None = None) -> Path:
    """Rename a damaged file or directory to `NAME.damaged-TIME`, beside it or in `folder`; return its path.

    Raises:
        OSError: it cannot be renamed.
    """
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    name = path.name if folder is None else f"{path.parent.name}-{path.name}"
    target = (folder or path.parent) / f"{name}.damaged-{moment}"
    target.parent.mkdir(parents=True, exist_ok=True)
    path.rename(target)
    _LOG.error(line("moved_aside", file=path, to=target, reason=reason))
    if folder is None:
        _keep(_KEPT, target.parent, f"{path.name}.damaged-*")
    else:
        _keep(_KEPT_IN_FOLDER, folder, "*.damaged-*")
    return target


def move_out_of_the_way(path: Path, reason: object, folder: Path) -> None:
    """Move a damaged file or directory into `folder` of those; log it where it has to stay."""
    try:
        move_aside(path, reason, folder)
    except OSError as error:
        _LOG.error(line("cannot_move_aside", file=path, reason=error))


def _keep(count: int, directory: Path, pattern: str) -> None:
    """Delete all but the newest `count` of what was moved aside."""
    aside = sorted(directory.glob(pattern), key=lambda path: path.name.rpartition(".damaged-")[2])
    for path in aside[:-count]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
