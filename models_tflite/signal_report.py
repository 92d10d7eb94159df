"""`python -m models_tflite.signal_report --data DIR`: how right heart rate and marks are on real sound.

They are held to the annotation of CirCor. The shipped network learned from CirCor: its card has the figures
of subjects never heard.
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

from tqdm import tqdm

from edge_worker.errors import StethoError
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.signal import heart_rate, quality
from edge_worker.signal.heart_cycle import HeartCycle
from models_tflite.evaluation import audio, beat_score
from models_tflite.evaluation.annotation import Annotation
from models_tflite.evaluation.beat_score import SegmentedRecording

EXAMPLES = """example:
  python -m models_tflite.signal_report --data ../shared/datasets
"""
MODELS: Final = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        report = beat_report(options.data / "circor", HeartSegmenter.load(MODELS), options.every)
    except (StethoError, OSError) as error:
        print(f"signal_report: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=1))
    return 0


def beat_report(circor: Path, segmenter: HeartSegmenter, every: int = 1) -> dict[str, Any]:
    """Return how right rates and marks are: of all annotated recordings and of those of good quality.

    Good quality is what `quality` finds usable, and what a person could annotate nearly throughout.
    """
    kinds: dict[str, list[SegmentedRecording]] = defaultdict(list)
    loudness: list[SegmentedRecording] = []
    for row in tqdm(_rows(circor, every), "heart rate", unit="file", disable=None):
        marks = circor / "segmentation" / f"{Path(row['file']).stem}.tsv"
        signal = audio.read(circor / row["file"])
        annotation = Annotation.read(marks, signal.duration_s) if marks.is_file() else Annotation(())
        if not annotation.annotated_intervals():
            continue
        by_loudness = heart_rate.estimate(signal)
        case = SegmentedRecording(segmenter.segment(signal), annotation, row["subject"])
        kinds["all"].append(case)
        if quality.assess(signal).usable:
            kinds["usable"].append(case)
        if annotation.is_complete(signal.duration_s):
            kinds["annotated_throughout"].append(case)
        loudness.append(replace(case, found=HeartCycle((), (), by_loudness, 0.0)))
    report: dict[str, Any] = {kind: beat_score.report(of_kind) for kind, of_kind in kinds.items()}
    report["rate_by_loudness_alone"] = beat_score.report(loudness)["heart_rate"]
    return report


def _rows(folder: Path, every: int) -> list[dict[str, str]]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))[::every]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.signal_report",
        description="Measure heart rate, S1 and S2 on real recordings and print one JSON object.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth recording")
    return parser


if __name__ == "__main__":
    sys.exit(main())
