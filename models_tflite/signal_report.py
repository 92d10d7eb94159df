"""`python -m models_tflite.signal_report --data DIR`: how right heart rate and quality are on real sound.

Heart rate is held to the annotated S1 of CirCor, quality to what the datasets say of their recordings.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from edge_worker import heart_rate, quality
from edge_worker.errors import StethoError
from edge_worker.result import Quality
from models_tflite import audio, metrics

EXAMPLES = """example:
  python -m models_tflite.signal_report --data ../shared/datasets
"""
KINDS = {
    "physionet2016": ("good_quality",),
    "pascal-heart": ("label", "sublabel"),
    "circor": ("murmur",),
    "esc50": (),
}
"""Datasets and the columns by which their recordings are told apart."""
CLOSE_BPM = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        report = {
            "heart_rate": rate_report(options.data / "circor", options.every),
            "usable": {
                name: usable_report(options.data / name, by, options.every) for name, by in KINDS.items()
            },
        }
    except (StethoError, OSError) as error:
        print(f"signal_report: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=1))
    return 0


def rate_report(circor: Path, every: int = 1) -> dict[str, Any]:
    """Return errors of the heart rate against the annotated cycles, in bpm."""
    errors: list[float | None] = []
    for row in tqdm(_rows(circor, every), "heart rate", unit="file", disable=None):
        marks = circor / "segmentation" / f"{Path(row['file']).stem}.tsv"
        signal = audio.read(circor / row["file"])
        truth = annotated_rate(marks, signal.duration_s) if marks.is_file() else None
        if truth is not None:
            found = heart_rate.estimate(signal)
            errors.append(None if found is None else abs(found - truth))
    answered = np.array([error for error in errors if error is not None])
    close = answered <= CLOSE_BPM
    return {
        "n": len(errors),
        "answered": len(answered) / len(errors),
        "median_error_bpm": float(np.median(answered)),
        "within_5_bpm_of_answered": float(close.mean()),
        "within_5_bpm_of_all": float(close.sum() / len(errors)),
    }


def annotated_rate(marks: Path, until_s: float) -> float | None:
    """Return the mean rate over annotated S1 that follow each other, None with fewer than two cycles.

    Lines are start, end and state: 1 is S1, 0 is not annotated and parts what stands around it.
    """
    runs: list[list[float]] = [[]]
    for line in marks.read_text().splitlines():
        start, end, state = line.split()
        if float(end) > until_s:
            break
        if state == "0":
            runs.append([])
        if state == "1":
            runs[-1].append(float(start))
    cycles = [later - earlier for run in runs for earlier, later in pairwise(run)]
    return 60 / float(np.mean(cycles)) if len(cycles) > 1 else None


def usable_report(folder: Path, columns: tuple[str, ...], every: int = 1) -> dict[str, Any]:
    """Return the usable share, why not, and the share with a heart rate, for each kind of recording."""
    kinds: dict[str, list[Quality]] = defaultdict(list)
    rates: dict[str, list[bool]] = defaultdict(list)
    for row in tqdm(_rows(folder, every), folder.name, unit="file", disable=None):
        kind = " ".join(row[column] for column in columns).strip() or "all"
        signal = audio.read(folder / row["file"])
        bpm = heart_rate.estimate(signal)
        kinds[kind].append(quality.assess(signal, bpm))
        rates[kind].append(bpm is not None)
    report: dict[str, Any] = {kind: _share(kinds[kind], rates[kind]) for kind in sorted(kinds)}
    if columns == ("good_quality",):
        found = [(kind == "1", _worth(item)) for kind, items in kinds.items() for item in items]
        report["auc_of_snr"] = metrics.auc(np.array([g for g, _ in found]), np.array([s for _, s in found]))
    return report


def _share(items: list[Quality], rates: list[bool]) -> dict[str, Any]:
    reasons = sorted({reason for item in items for reason in item.reasons})
    return {
        "n": len(items),
        "usable": float(np.mean([item.usable for item in items])),
        "with_heart_rate": float(np.mean(rates)),
        "reasons": {reason: sum(reason in item.reasons for item in items) for reason in reasons},
    }


def _worth(item: Quality) -> float:
    return 0.0 if item.snr_db is None else item.snr_db


def _rows(folder: Path, every: int) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))[::every]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.signal_report",
        description="Measure heart rate and quality on real recordings and print one JSON object.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth recording")
    return parser


if __name__ == "__main__":
    sys.exit(main())
