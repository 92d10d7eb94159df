"""How `stetho` is run on this machine: a command that is printed can be typed as it stands."""

import os
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

_NAME: Final = "stetho"
_ROOT: Final = Path(__file__).parents[1]
"""The checkout, or the directory of packages in which we are installed."""
_HEAD_BYTES: Final = 512
"""What a script's first lines have: which Python runs it."""
IN_COMPOSE: Final = bool(os.environ.get("STETHO_IN_COMPOSE"))
"""Whether this is a container of docker-compose.yml: commands are typed outside of it."""
IN_CLUSTER: Final = os.environ.get("STETHO_IN_COMPOSE") == "cluster"
"""Whether it is one of the profile `cluster`."""
_EXEC: Final = "docker compose exec"
_COMPOSE: Final = {
    "broker": "docker compose up --detach broker",
    "worker": "docker compose up --detach edge_worker",
    "api": "docker compose up --detach history_api",
    "notify": "docker compose --profile notify up --detach notify",
    "trainer serve": "docker compose --profile trainer up --detach trainer",
    "trainer": f"{_EXEC} trainer stetho trainer",
    "provision": "docker compose run --rm provision",
    "certificate": "docker compose run --rm --entrypoint stetho provision certificate --dir /state",
    "key": f"{_EXEC} history_api stetho key",
    "clock": f"{_EXEC} history_api stetho clock",
}
"""What is typed instead of these beginnings of arguments; all others are for the container of the worker."""
_OF_CLUSTER: Final = {
    "up --detach edge_worker": "up --detach cluster_worker1 cluster_worker2",
    "edge_worker": "cluster_worker1",
    "history_api": "cluster_api",
    " provision": " cluster_provision",
}
"""What the services of such a command are called in the profile `cluster`; the first that is found counts."""


def stetho(arguments: str) -> str:
    """Return the command line of `stetho ARGUMENTS`.

    It is `stetho` where the shell finds the program of this environment under that name; else the path of
    that program; where none is installed, as with `python -m` in a checkout, this Python and `stetho.py`.
    In a container of docker-compose.yml it is the command of Docker Compose that does it.
    """
    if IN_COMPOSE:
        return _in_compose(arguments)
    return f"{_program()} {arguments}"


def pip_install(extra: str) -> str:
    """Return the command line that adds the packages of an extra of ours to this environment."""
    is_checkout = (_ROOT / "pyproject.toml").is_file()
    project = ["--editable", f"{_ROOT}[{extra}]"] if is_checkout else [f"stetho-edge[{extra}]"]
    return shlex.join([sys.executable, "-m", "pip", "install", *project])


def _program() -> str:
    found = shutil.which(_NAME)
    if found and _is_of_this_python(Path(found)):
        return _NAME
    installed = Path(sys.executable).with_name(_NAME)
    if installed.is_file():
        return shlex.quote(str(installed))
    return shlex.join([sys.executable, str(_ROOT / f"{_NAME}.py")])


def _in_compose(arguments: str) -> str:
    for beginning, command in _COMPOSE.items():
        if f"{arguments} ".startswith(f"{beginning} "):
            return _services_of(command) + arguments.removeprefix(beginning)
    return _services_of(f"{_EXEC} edge_worker stetho ") + arguments


def _services_of(command: str) -> str:
    for alone, clustered in _OF_CLUSTER.items():
        if IN_CLUSTER and alone in command:
            return command.replace(alone, clustered)
    return command


def _is_of_this_python(script: Path) -> bool:
    folder = Path(sys.executable).parent  # a script of pip names its python, deploy/systemd/stetho its stetho
    try:
        with script.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            return any(f"{folder}/{name}".encode() in head for name in ("python", _NAME))
    except OSError:
        return False
