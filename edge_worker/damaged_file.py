"""Damaged files of the program's own that it can make again: moved aside, so that it goes on.

Nothing is deleted at once: an operator may look at what was moved aside, and only the newest of it is kept.
"""

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
_KEPT: Final = 3
"""Damaged files of one name that stay."""


def aside(path: Path) -> Path:
    """Return a new name beside `path` for what is damaged: `NAME.damaged-TIME`."""
    return path.with_name(f"{path.name}.damaged-{datetime.now(UTC).strftime('%Y%m%dT%H%M%S.%f')}")


def move_aside(path: Path, reason: object) -> None:
    """Rename a damaged file or directory to `NAME.damaged-TIME`; log it where it has to stay."""
    target = aside(path)
    try:
        path.rename(target)
    except OSError as error:
        _LOG.error(line("cannot_move_aside", file=path, reason=error))
        return
    _LOG.error(line("moved_aside", file=path, to=target, reason=reason))
    keep_newest(path)


def keep_newest(path: Path) -> None:
    """Delete all but the newest of what of `path` was moved aside."""
    for old in sorted(path.parent.glob(f"{path.name}.damaged-*"))[:-_KEPT]:
        if old.is_dir() and not old.is_symlink():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.unlink(missing_ok=True)
