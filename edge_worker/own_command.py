"""How `stetho` is run on this machine, so that a command that is printed can be typed as it stands."""

import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

_NAME: Final = "stetho"
_HEAD_BYTES: Final = 512
"""What a script's first lines have: which Python runs it."""


def stetho(arguments: str) -> str:
    """Return the command line of `stetho ARGUMENTS`.

    It is `stetho` where the shell finds the program of this environment under that name; else the path of
    that program; where none is installed, as with `python -m` in a checkout, this Python and `stetho.py`.
    """
    return f"{_program()} {arguments}"


def _program() -> str:
    found = shutil.which(_NAME)
    if found and _is_of_this_python(Path(found)):
        return _NAME
    installed = Path(sys.executable).with_name(_NAME)
    if installed.is_file():
        return shlex.quote(str(installed))
    module = Path(__file__).parents[1] / f"{_NAME}.py"
    return shlex.join([sys.executable, str(module)])


def _is_of_this_python(script: Path) -> bool:
    try:
        with script.open("rb") as file:
            return sys.executable.encode() in file.read(_HEAD_BYTES)
    except OSError:
        return False
