"""The table of the README, written from the results file: `python -m bench.report.readme_table`."""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bench.report.figure import FIGURES

_PROJECT: Final = Path(__file__).parents[2]
_RESULTS: Final = _PROJECT / "bench" / "results.json"
_README: Final = _PROJECT / "README.md"
_STAGE: Final = "cpu_ms_stage_"
_LEAST_MS: Final = 0.1
"""Stages of less are not worth a word."""
_TABLE: Final = re.compile(
    r"^\| figure \| value \| what it is \|\n.*?\n\n(By stage, ms: .*?\n\n)?", re.M | re.S
)


def written_into(page: str, measured: Mapping[str, float]) -> str:
    """Return `page` with the table of what was `measured`."""
    return _TABLE.sub(lambda _: f"{_table(measured)}\n\n{_stages(measured)}\n\n", page, count=1)


def _table(measured: Mapping[str, float]) -> str:
    rows = ["| figure | value | what it is |", "|---|---|---|"]
    for name, figure in FIGURES.items():
        if name in measured:
            aim = figure.aim(measured[name])
            words = f"{figure.words} (aim: {aim})" if aim else figure.words
            rows.append(f"| `{name}` | {_rounded(measured[name])} | {words} |")
    return "\n".join(rows)


def _stages(measured: Mapping[str, float]) -> str:
    stages = {name.removeprefix(_STAGE): value for name, value in measured.items() if name.startswith(_STAGE)}
    longest = sorted(stages.items(), key=lambda each: each[1], reverse=True)
    return "By stage, ms: " + " · ".join(f"{name} {ms:.2f}" for name, ms in longest if ms >= _LEAST_MS) + "."


def _rounded(value: float) -> str:
    return f"{float(f'{value:.3g}'):g}"


def main() -> int:
    """Write the table into the README; return the exit status."""
    page = _README.read_text(encoding="utf-8")
    _README.write_text(written_into(page, json.loads(_RESULTS.read_text())), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
