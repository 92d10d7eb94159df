"""Figures of one run in a JSON file, beside those of an earlier run on the same machine."""

import json
from pathlib import Path
from typing import Final

from bench.report.figure import FIGURES
from edge_worker.protocol import strict_json

Figures = dict[str, float]

_MACHINE: Final = "machine"


class Results:
    """The results file: `{figure: value, ..., "machine": description}`, four significant digits.

    Figures of an earlier run are kept only where they are of the same machine: the file names one machine,
    and figures of two are not comparable.
    """

    def __init__(self, path: Path, machine: str) -> None:
        """Read the earlier figures from `path`, if there are any."""
        self._path = path
        self._machine = machine
        self._measured: Figures = {}
        self._earlier = _read(path, machine)

    def add(self, figures: Figures) -> None:
        """Add the figures of one part and write the file, in one step: a reader sees the old or the new one.

        Raises:
            OSError: the file cannot be written.
        """
        self._measured |= {name: float(f"{value:.4g}") for name, value in figures.items()}
        self._write()

    def drop_earlier(self) -> None:
        """Drop the figures of an earlier run: every part has been measured anew.

        Raises:
            OSError: the file cannot be written.
        """
        self._earlier = {}
        self._write()

    def table(self) -> str:
        """Return all figures with their aims, one a line; those that this run did not measure are marked."""
        figures = self._earlier | self._measured
        width = max(map(len, figures), default=0)
        lines = [f"{name:<{width}}  {value:>10g}{self._note(name, value)}" for name, value in figures.items()]
        return "\n".join([self._machine, "", *lines])

    def _note(self, name: str, value: float) -> str:
        aim = FIGURES[name].aim(value) if name in FIGURES else ""
        earlier = "" if name in self._measured else "  (earlier run)"
        return (f"  aim: {aim}" if aim else "") + earlier

    def _write(self) -> None:
        document = {**self._earlier, **self._measured, _MACHINE: self._machine}
        temporary = self._path.with_name(f".{self._path.name}.new")
        temporary.write_text(strict_json.write(document, indent=1) + "\n")
        temporary.replace(self._path)


def _read(path: Path, machine: str) -> Figures:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(document, dict) or document.pop(_MACHINE, None) != machine:
        return {}
    return {name: value for name, value in document.items() if isinstance(value, int | float)}
