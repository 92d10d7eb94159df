"""Command `python -m bench.chaos`: faults and floods against a site of real processes, in a table."""

import argparse
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tqdm import tqdm

from bench.chaos.case import Outcome, Plan, cases, run
from edge_worker.protocol import strict_json

_EXAMPLES: Final = """examples:
  python -m bench.chaos                          all cases, about a quarter of an hour
  python -m bench.chaos poison_meta rubbish      two of them
  python -m bench.chaos --flood-seconds 60 --json chaos.json
  python -m bench.chaos --list

Each case has a fresh broker and worker on loopback, two neighbours that record a sound every
second, and one hostile device. Latency is the median time from a neighbour's last chunk to `stored`,
and its ratio to that before; of attacks on the API the slowest answer of `/livez` is told, too, and of
wrong clocks how many results the live stream missed. Exit status: 0 when every case was survived, else 1."""
_HEAD: Final = (
    *("case", "sent", "stored", "lost", "doubled", "corrupted"),
    *("before ms", "during ms", "ratio", "livez ms", "untold", "ends", "MiB", ""),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases, print the table; return the exit status."""
    options = _parser().parse_args(arguments)
    if options.list:
        for name, (kind, action) in cases().items():
            print(f"{name:26} {kind}  {(inspect.getdoc(action) or '').splitlines()[0]}")
        return 0
    plan = Plan(options.before_seconds, options.flood_seconds, options.after_seconds, options.seed)
    outcomes = []
    print(_row(_HEAD), flush=True)
    for name in tqdm(options.cases or list(cases()), unit="case", disable=None, leave=False):
        outcomes.append(run(name, plan))
        tqdm.write(_row(_cells(outcomes[-1])), file=sys.stdout)
        sys.stdout.flush()
    survived = sum(outcome.is_survived for outcome in outcomes)
    lost = sum(each.counts.lost for each in outcomes)
    print(f"{survived} of {len(outcomes)} survived, {lost} recordings lost")
    if options.json:
        document = {"seed": options.seed, "cases": [outcome.document() for outcome in outcomes]}
        options.json.write_text(strict_json.write(document) + "\n")
    return 0 if survived == len(outcomes) else 1


def _cells(outcome: Outcome) -> tuple[object, ...]:
    counts = outcome.counts
    times = (outcome.ms_before, outcome.ms_during, outcome.livez_ms)
    before, during, livez = (None if each is None else round(each) for each in times)
    ratio = None if outcome.ratio is None else f"{outcome.ratio:.1f}"
    return (
        *(outcome.name, counts.sent, counts.stored, counts.lost, counts.doubled, counts.corrupted),
        *(before, during, ratio, livez, outcome.untold, outcome.ends, round(outcome.peak_mb)),
        "ok" if outcome.is_survived else "FAILED",
    )


def _row(cells: Sequence[object]) -> str:
    first, *others = ("-" if cell is None else str(cell) for cell in cells)
    return f"{first:26}" + "".join(f"{cell:>10}" for cell in others)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.chaos",
        description="Set faults and floods upon a site, and count what its neighbours lose.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", choices=[[], *cases()], help="default: all")
    parser.add_argument("--list", action="store_true", help="name the cases")
    parser.add_argument("--before-seconds", type=float, default=6.0, metavar="S", help="quiet before (6)")
    parser.add_argument("--flood-seconds", type=float, default=15.0, metavar="S", help="of a flood (15)")
    parser.add_argument("--after-seconds", type=float, default=3.0, metavar="S", help="quiet after (3)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of everything random (1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcomes there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
