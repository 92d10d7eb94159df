"""`python -m models_tflite.quality_report --data DIR`: how right the quality gate is, and on what.

`good_quality` of PhysioNet 2016, the sublabels of PASCAL, and murmurs that nobody could tell in CirCor say
which hearts are poor; ESC-50, UrbanSound8K and speech are no hearts. The gate was fitted to these recordings:
`cross_validated`, from the scorecard, is of fits that did not hear a recording's group, or its site.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from edge_worker.errors import StethoError
from edge_worker.protocol.result import Quality
from edge_worker.signal import quality, quality_model
from models_tflite.evaluation import clips, metrics
from models_tflite.evaluation.clips import Clip

EXAMPLES = """example:
  python -m models_tflite.quality_report --data ../shared/datasets
"""
RESAMPLES: Final = 500
"""Of the 95 % intervals."""
MIN_POOR: Final = 2
"""Poor recordings of a site that an AUC is given from."""

Judged = list[tuple[Clip, Quality]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        judged = judge(options.data, options.every)
        document = json.loads(quality_model.FILE.read_text(encoding="utf-8"))
    except (StethoError, OSError) as error:
        print(f"quality_report: {error}", file=sys.stderr)
        return 2
    crossed = {
        name: {part: document[name][part] for part in ("unheard_groups", "unheard_sites")}
        for name in ("heart", "clear")
    }
    print(json.dumps({**report(judged), "cross_validated": crossed}, indent=1))
    return 0


def judge(data: Path, every: int = 1) -> Judged:
    """Return every Nth clip of the datasets with what the worker would find of its quality."""
    chosen = tqdm(islice(clips.all_of(data), 0, None, every), "quality", unit="clip", disable=None)
    return [(clip, quality.assess(clip.read())) for clip in chosen]


def report(judged: Judged) -> dict[str, Any]:
    """Return the areas under the ROC curves, and what passes of each kind."""
    said = [(clip, found) for clip, found in judged if clip.is_clear is not None]
    physionet = [(clip, found) for clip, found in said if clip.site.startswith("physionet")]
    fine = [(clip, found) for clip, found in judged if clip.is_clear is not False]
    sites = sorted({clip.site for clip, found in said})
    return {
        "good_against_poor": {
            "physionet2016": _auc(physionet, lambda clip: bool(clip.is_clear)),
            "by_site": {
                site: _auc([each for each in said if each[0].site == site], lambda clip: bool(clip.is_clear))
                for site in sites
            },
        },
        "heart_against_everything_else": _auc(fine, lambda clip: clip.is_heart),
        "usable": {
            kind: _share([found for clip, found in judged if clip.kind == kind])
            for kind in sorted({clip.kind for clip, _ in judged})
        },
    }


def _auc(judged: Judged, answer: Callable[[Clip], bool]) -> dict[str, Any] | None:
    """Return the area under the curve of the score with its 95 % interval; None where it cannot be told."""
    right = np.array([answer(clip) for clip, _ in judged])
    if min(right.sum(), (~right).sum()) < MIN_POOR:
        return None
    score: npt.NDArray[np.float64] = np.array([found.score or 0.0 for _, found in judged])
    draws = metrics.auc(
        right, score, metrics.group_weights(np.array([c.group for c, _ in judged]), RESAMPLES)
    )
    return {
        "yes": int(right.sum()),
        "no": int((~right).sum()),
        "auc": float(draws[0]),
        "interval": metrics.interval(draws),
    }


def _share(found: list[Quality]) -> dict[str, Any]:
    usable = sum(each.usable for each in found)
    reasons = sorted({reason for each in found for reason in each.reasons})
    return {
        "n": len(found),
        "usable": usable / len(found),
        "interval": metrics.wilson(usable, len(found)),
        "reasons": {reason: sum(reason in each.reasons for each in found) for reason in reasons},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.quality_report",
        description="Measure the quality gate on real recordings and print one JSON object.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth recording")
    return parser


if __name__ == "__main__":
    sys.exit(main())
