"""Command `python -m bench.cluster`: the proof that a site of several workers loses nothing."""

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tqdm import tqdm

from bench.cluster.cluster import LEAST_PROCESSES, MOST_PROCESSES, Kind
from bench.cluster.faults import NAMES, usual
from bench.cluster.proof import Outcome, Plan, prove
from edge_worker.errors import StethoError
from edge_worker.protocol import strict_json

_EXAMPLES: Final = """examples:
  python -m bench.cluster                                 two minutes, 50 devices
  python -m bench.cluster --seconds 20 --devices 8        a short one
  python -m bench.cluster --broker mosquitto --store directory
  python -m bench.cluster --seed 7 --json cluster.json    the faults of another run again
  python -m bench.cluster --fault kill_process            how soon somebody else takes over

Broker, PostgreSQL (Debian's package), an S3 server and workers of several processes run on loopback: with
NATS three nodes and two workers, each with a data directory of its own, as on two machines; with Mosquitto
one. Devices record and stream in real time; every few seconds a process, a node of the broker, PostgreSQL or
the store is killed (SIGKILL) or stopped (SIGSTOP), the API is started again, or a process is added or
removed. Then each recording and stream must be in the history once, whole, with one result, have been told
once by the live stream of the API, which must give its sound. Exit status: 0 when that holds, 1 when it does
not, 2 when it cannot be tried."""

_PROCESSES: Final[dict[Kind, int]] = {"mosquitto": 4, "nats": 2}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proof, print what came of it; return the exit status."""
    options = _parser().parse_args(arguments)
    seed = secrets.randbits(16) if options.seed is None else options.seed
    plan = Plan(
        seconds=options.seconds,
        every_s=options.every,
        faults=options.fault or usual(options.seconds, options.store),
        devices=options.devices,
        streams=options.streams,
        record_every_s=options.record_every,
        processes=options.processes or _PROCESSES[options.broker],
        broker=options.broker,
        store=options.store,
        seed=seed,
    )
    print(
        f"seed {seed}: {plan.devices} devices record, {plan.streams} stream; {plan.broker}, "
        f"sounds in {plan.store}, {plan.processes} processes of each worker; "
        f"for {plan.seconds:g} s a fault every {plan.every_s:g} s",
        flush=True,
    )
    try:
        with tqdm(total=round(plan.seconds), unit="s", disable=None, leave=False) as bar:
            outcome = prove(plan, bar)
    except StethoError as error:
        print(f"bench.cluster: {error}", file=sys.stderr)
        return 2
    _print(outcome)
    if options.json:
        document = {"seed": seed, **outcome.document()}
        options.json.write_text(strict_json.write(document) + "\n")
    return 0 if outcome.is_survived else 1


def _print(outcome: Outcome) -> None:
    print(f"{'fault':20}{'times':>8}{'longest wait s':>16}")
    for blow in outcome.blows:
        print(f"{blow.fault:20}{blow.times:8}{blow.worst_wait_s:16.1f}")
    waits, counts = outcome.waits, outcome.counts
    if waits is not None:
        print(
            f"from the last chunk to `stored`: median {waits.median_s:.2f} s, p99 {waits.p99_s:.1f} s, "
            f"longest {waits.worst_s:.1f} s; the longest of each device: median {waits.device_median_s:.1f} s"
        )
    print(
        f"{counts.sent} sent ({counts.streams} streams): {counts.lost} lost, {counts.split} split, "
        f"{counts.corrupted} of another sound, {counts.without_result} without a result, "
        f"{counts.failed} with the result `error`, "
        f"{counts.not_given} whose sound the API does not give, "
        f"{counts.doubled} with two, {outcome.untold} untold by the live stream; "
        f"{outcome.ends} ends of a worker"
    )
    if outcome.is_survived:
        print("ok")
    else:
        reason = "" if outcome.is_settled else ": devices still wait"
        print(f"FAILED{reason}; logs and data: {outcome.directory}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.cluster",
        description="Kill and stop parts of a site of several workers at random, and count what is lost.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=120.0, metavar="S", help="of faults (120)")
    parser.add_argument("--every", type=float, default=4.0, metavar="S", help="between two of them (4)")
    parser.add_argument(
        "--fault", action="append", choices=list(NAMES), help="this one only; may be given again"
    )
    parser.add_argument("--devices", type=int, default=42, metavar="N", help="that record (42)")
    parser.add_argument("--streams", type=int, default=8, metavar="N", help="that stream (8)")
    parser.add_argument(
        "--record-every", type=float, default=6.0, metavar="S", help="of each device that records (6)"
    )
    parser.add_argument("--broker", choices=list(_PROCESSES), default="nats", help="its kind (nats)")
    parser.add_argument("--store", choices=["directory", "s3"], default="s3", help="of sounds (s3)")
    parser.add_argument(
        "--processes",
        type=int,
        choices=range(LEAST_PROCESSES, MOST_PROCESSES + 1),
        metavar="N",
        help="of each worker at first, 2 to 6 (4, with NATS 2)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="of what is random (another each time)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there, too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
