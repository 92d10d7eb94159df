"""Path of the mosquitto program on this machine, or the container image in its place."""

import os
import shutil
import subprocess
from typing import Final

from broker.directory import PACKAGE
from edge_worker.errors import BrokerError

START: Final = PACKAGE / "start_mosquitto"
"""Script that starts Mosquitto; a persistence file that it cannot read is moved aside."""
CONTAINER: Final = "docker"  # value of $STETHO_MOSQUITTO that runs the image instead of a local program
IMAGE: Final = os.environ.get("STETHO_MOSQUITTO_IMAGE", "eclipse-mosquitto:2")
# On Debian it is not in the PATH of ordinary users, with Homebrew not in that of cron and CI.
FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/usr/local/opt/mosquitto/sbin")


def find_mosquitto() -> str:
    """Return the path of the mosquitto program, or `docker` if only its image can be run.

    `$STETHO_MOSQUITTO` overrides this: a path, or `docker`.

    Raises:
        BrokerError: there is neither.
    """
    if chosen := os.environ.get("STETHO_MOSQUITTO"):
        if path := shutil.which(chosen):
            return CONTAINER if chosen == CONTAINER else path
        raise BrokerError(f"STETHO_MOSQUITTO is {chosen!r}, which is not a program that can be run")
    if path := shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *FOLDERS])):
        return path
    if docker_is_running():
        return CONTAINER
    raise BrokerError(
        "mosquitto is not installed; install it (Debian: apt-get install mosquitto, macOS: brew install "
        "mosquitto, in a checkout: broker/install.sh), or start a Docker engine"
    )


def docker_is_running() -> bool:
    """Return whether a container engine answers to `docker`."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
