"""`python -m bench`: measure, print a table, write `bench/results.json`."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench import (
    first_paint,
    history_page,
    ingest,
    live_streams,
    machine,
    model_cost,
    recording_cost,
    site_load,
    upload_latency,
)
from edge_worker.errors import StethoError

_HERE: Final = Path(__file__).parent
_MODELS: Final = _HERE.parent / "models_tflite"
_LIVE_STEPS: Final = (100, 200, 300, 400, 500, 600, 800, 1000)
_LIVE_SECONDS: Final = 20.0
_EXAMPLES: Final = """examples:
  make bench                         everything, about ten minutes
  make bench ARGS="--only cost"      one part: cost, models, ingest, start, memory, uploads, history, paint,
                                     streams or live

Figures are processor time and ratios to baselines of the same run: machines differ, ratios less so."""
_PARTS: Final[dict[str, Callable[[], dict[str, float]]]] = {
    "cost": lambda: recording_cost.measure(_MODELS),
    "models": lambda: model_cost.measure(_MODELS),
    "ingest": ingest.measure,
    "start": lambda: {"ready_s": site_load.ready_s()},
    "memory": lambda: {"peak_rss_mb_200_open": site_load.peak_rss_mb_open()},
    "uploads": upload_latency.measure,
    "history": history_page.measure,
    "paint": first_paint.measure,
    "streams": live_streams.measure,
    "live": lambda: site_load.live_devices(_LIVE_STEPS, _LIVE_SECONDS),
}


def main() -> int:
    """Measure what was asked for; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the worker against named baselines.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", choices=_PARTS, action="append", help="measure only this part (repeatable)")
    parser.add_argument(
        "-o", "--output", type=Path, default=_HERE / "results.json", help="where the figures go"
    )
    args = parser.parse_args()
    results: dict[str, float | str] = _earlier(args.output) if args.only else {}
    try:
        for part in args.only or _PARTS:
            print(f"measuring {part} ...", file=sys.stderr)
            results |= _PARTS[part]()
    except StethoError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    results["machine"] = machine.description()
    args.output.write_text(json.dumps(_rounded(results), indent=1) + "\n")
    _print_table(_rounded(results))
    return 0


def _earlier(path: Path) -> dict[str, float | str]:
    try:
        found: dict[str, float | str] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found


def _rounded(results: dict[str, float | str]) -> dict[str, float | str]:
    return {
        name: value if isinstance(value, str) else float(f"{value:.4g}") for name, value in results.items()
    }


def _print_table(results: dict[str, float | str]) -> None:
    print(f"\n{results.pop('machine')}\n")
    width = max(map(len, results))
    for name, value in results.items():
        print(f"{name:<{width}}  {value if isinstance(value, str) else format(value, '>10g')}")


if __name__ == "__main__":
    sys.exit(main())
