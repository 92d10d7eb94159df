"""`make bench`: measure, print a table, write `bench/results.json`."""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import (
    first_paint,
    ingest,
    live_devices,
    live_streams,
    machine,
    model_cost,
    queue_drain,
    recording_cost,
    site_load,
    upload_latency,
)
from bench.history import history_page, postgresql_history
from bench.recording import live_cost
from bench.report.results import Figures, Results
from edge_worker.errors import StethoError
from simulator.site.process import ProcessError

_HERE: Final = Path(__file__).parent
_MODELS: Final = _HERE.parent / "models_tflite"
_EXAMPLES: Final = """examples:
  make bench                         everything, about ten minutes
  make bench ARGS="--only cost"      one part: cost, live-cost, models, ingest, processes, start, memory,
                                     uploads, history, history-postgresql, paint, streams or live

Figures are processor time and ratios to baselines of the same run: machines differ, ratios less so. The
figures of a part are written when it ends. A part that cannot run here (a program is missing) is left out and
named; its figures of an earlier run on the same machine stay, marked in the table. Exit status: 0 when every
part that can run here ran, 1 when a part failed, 2 when none could run or an argument is wrong."""
_PARTS: Final[dict[str, Callable[[], Figures]]] = {
    "cost": lambda: recording_cost.measure(_MODELS),
    "live-cost": lambda: live_cost.measure(_MODELS),
    "models": lambda: model_cost.measure(_MODELS),
    "ingest": ingest.measure,
    "processes": queue_drain.measure,
    "start": lambda: {"ready_s": site_load.ready_s(), "stetho_help_s": site_load.help_s()},
    "memory": lambda: {"peak_rss_mb_200_open": site_load.peak_rss_mb_open()},
    "uploads": upload_latency.measure,
    "history": history_page.measure,
    "history-postgresql": postgresql_history.measure,
    "paint": first_paint.measure,
    "streams": live_streams.measure,
    "live": live_devices.measure,
}


@dataclass(slots=True)
class _Outcome:
    """Parts by how they ended."""

    measured: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    """Part and why it cannot run here."""
    failed: dict[str, str] = field(default_factory=dict)
    """Part and the error, whose traceback was printed."""

    @property
    def exit_status(self) -> int:
        """0, 1 or 2, as `--help` describes them."""
        if self.failed:
            return 1
        return 0 if self.measured else 2


def main(arguments: list[str] | None = None) -> int:
    """Measure the chosen parts; return the exit status."""
    args = _parser().parse_args(arguments)
    results = Results(args.output, machine.description())
    try:
        outcome = _measure(args.only or list(_PARTS), results)
    except OSError as error:
        print(
            f"bench: {args.output} cannot be written ({error}); choose another file with -o", file=sys.stderr
        )
        return 2
    print(f"\n{results.table()}\n")
    for part, reason in outcome.left_out.items():
        print(f"left out: {part}: {reason}")
    for part, reason in outcome.failed.items():
        print(f"failed: {part}: {reason}")
    return outcome.exit_status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make bench",
        description="Measure the product against baselines of the same run.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=_PARTS, action="append", help="measure only this part (repeatable)")
    parser.add_argument(
        "-o", "--output", type=Path, default=_HERE / "results.json", help="results file (bench/results.json)"
    )
    return parser


def _measure(parts: Sequence[str], results: Results) -> _Outcome:
    """Measure one part after the other, and write the figures of each as soon as it ends.

    Raises:
        OSError: the results file cannot be written.
    """
    outcome = _Outcome()
    for part in parts:
        print(f"measuring {part} ...", file=sys.stderr)
        try:
            figures = _PARTS[part]()
        except Exception as error:  # the other parts go on
            if _is_missing_here(error):
                outcome.left_out[part] = _advice(error)
                print(f"bench: {part} is left out: {_advice(error)}", file=sys.stderr)
            else:
                outcome.failed[part] = f"{type(error).__name__}: {error}"
                traceback.print_exc()
            continue
        outcome.measured.append(part)
        results.add(figures)
    if set(outcome.measured) == set(_PARTS):
        results.drop_earlier()
    return outcome


def _is_missing_here(error: Exception) -> bool:
    """Return whether a part lacks something on this machine; a process that dies or hangs is a failure."""
    is_expected = isinstance(error, StethoError | OSError | ImportError)
    return is_expected and not isinstance(error, ProcessError | TimeoutError)


def _advice(error: Exception) -> str:
    if isinstance(error, ImportError):
        return f"{error}; `make bench` installs what it needs"
    return str(error)


if __name__ == "__main__":
    sys.exit(main())
