"""Command `stetho report signal --data DIR`: scores of heart rate, S1 and S2 on the annotations of CirCor.

The shipped segmentation model was trained on CirCor: its card has the scores on subjects that training did
not use.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from edge_worker.errors import StethoError
from edge_worker.inference.heart_segmenter import HeartSegmenter
from edge_worker.protocol import strict_json
from edge_worker.signal import heart_rate, quality
from edge_worker.signal.heart_cycle import HeartCycle
from edge_worker.signal.log_mel import HEART_LOG_MEL
from models_tflite.evaluation import audio, beat_score, clips, fast_hearts
from models_tflite.evaluation.annotation import Annotation
from models_tflite.evaluation.beat_score import SegmentedRecording

EXAMPLES = """example:
  stetho report signal --data ../shared/datasets
"""
MODELS_DIR: Final = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        report = beat_report(options.data / "circor", HeartSegmenter.load(MODELS_DIR), options.every)
    except (StethoError, OSError) as error:
        print(f"report signal: {error}", file=sys.stderr)
        return 2
    print(strict_json.write(report, indent=1))
    return 0


def beat_report(circor: Path, segmenter: HeartSegmenter, every: int = 1) -> dict[str, Any]:
    """Return the scores of rates and onsets, of all annotated recordings and of those of good quality.

    Good quality is what `signal.quality` finds usable, and separately what is annotated nearly throughout.
    By true rate, also of recordings played faster, are the answers of the worker: where its quality gate
    finds no heartbeat there is none.
    """
    cases: dict[str, list[SegmentedRecording]] = defaultdict(list)
    from_levels: list[SegmentedRecording] = []
    answered: list[SegmentedRecording] = []
    faster: list[SegmentedRecording] = []
    for row in tqdm(clips.label_rows(circor)[::every], "heart rate", unit="file", disable=None):
        path = circor / "segmentation" / f"{Path(row['file']).stem}.tsv"
        signal = audio.read(circor / row["file"])
        annotation = Annotation.read(path, signal.duration_s) if path.is_file() else Annotation(())
        if not annotation.annotated_intervals():
            continue
        frames = signal.features(HEART_LOG_MEL)
        case = SegmentedRecording(segmenter.segment_spectrogram(frames), annotation, row["subject"])
        cases["all"].append(case)
        answered.append(replace(case, heart_cycle=fast_hearts.as_answered(frames, case.heart_cycle)))
        for fast, its_annotation in fast_hearts.played_faster(signal, annotation):
            cycle = fast_hearts.as_answered(fast, segmenter.segment_spectrogram(fast))
            faster.append(SegmentedRecording(cycle, its_annotation, row["subject"]))
        if quality.assess(signal).usable:
            cases["usable"].append(case)
        if annotation.is_complete(signal.duration_s):
            cases["annotated_throughout"].append(case)
        from_levels.append(replace(case, heart_cycle=HeartCycle((), (), heart_rate.estimate(signal), 0.0)))
    report: dict[str, Any] = {kind: beat_score.report(of_kind) for kind, of_kind in cases.items()}
    report["rate_by_loudness_alone"] = beat_score.report(from_levels)["heart_rate"]
    report["by_true_rate"] = beat_score.report_by_rate(answered)
    report["played_faster_by_true_rate"] = beat_score.report_by_rate(faster)
    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho report signal",
        description="Evaluate heart rate, S1 and S2 on annotated recordings and print one JSON object.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="directory of the datasets")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="use only every Nth recording")
    return parser


if __name__ == "__main__":
    sys.exit(main())
