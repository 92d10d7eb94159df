"""`python -m models_tflite.signal_report --data DIR`: how right rate, marks and quality are on real sound.

Heart rate, S1 and S2 are held to the annotation of CirCor, quality to what the datasets say of their
recordings. The shipped network learned from CirCor: its card has the figures of subjects never heard.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from edge_worker import heart_rate, quality
from edge_worker.errors import StethoError
from edge_worker.heart_cycle import HeartCycle, Segmenter
from edge_worker.result import Quality
from models_tflite import audio, beat_score, metrics
from models_tflite.annotation import Annotation
from models_tflite.beat_score import Case

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
MODELS: Final = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        report = {
            "beats": beat_report(options.data / "circor", Segmenter.load(MODELS), options.every),
            "usable": {
                name: usable_report(options.data / name, by, options.every) for name, by in KINDS.items()
            },
        }
    except (StethoError, OSError) as error:
        print(f"signal_report: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=1))
    return 0


def beat_report(circor: Path, segmenter: Segmenter, every: int = 1) -> dict[str, Any]:
    """Return how right rates and marks are: of all annotated recordings and of those of good quality.

    Good quality is what `quality` finds usable, and what a person could annotate nearly throughout.
    """
    kinds: dict[str, list[Case]] = defaultdict(list)
    loudness: list[Case] = []
    for row in tqdm(_rows(circor, every), "heart rate", unit="file", disable=None):
        marks = circor / "segmentation" / f"{Path(row['file']).stem}.tsv"
        signal = audio.read(circor / row["file"])
        annotation = Annotation.read(marks, signal.duration_s) if marks.is_file() else Annotation(())
        if not annotation.stretches():
            continue
        by_loudness = heart_rate.estimate(signal)
        case = Case(segmenter.find(signal), annotation, row["subject"])
        kinds["all"].append(case)
        if quality.assess(signal, by_loudness).usable:
            kinds["usable"].append(case)
        if annotation.is_throughout(signal.duration_s):
            kinds["annotated_throughout"].append(case)
        loudness.append(replace(case, found=HeartCycle((), (), by_loudness, 0.0)))
    report: dict[str, Any] = {kind: beat_score.report(of_kind) for kind, of_kind in kinds.items()}
    report["rate_by_loudness_alone"] = beat_score.report(loudness)["heart_rate"]
    return report


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
