"""Command `stetho report quality --data DIR`: ROC curves and pass rates of the signal quality assessment.

Poor recordings of hearts are known from `good_quality` of PhysioNet 2016, the sublabels of PASCAL and murmurs
that annotators of CirCor could not decide on; ESC-50, UrbanSound8K and speech are not hearts. The quality
model was fitted to these recordings: `cross_validated`, copied from it, is of fits without the group of a
recording, or without its site.
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
from edge_worker.protocol import strict_json
from edge_worker.protocol.result import Quality
from edge_worker.signal import quality, quality_model
from models_tflite.evaluation import clips, metrics
from models_tflite.evaluation.clips import Clip

EXAMPLES = """example:
  stetho report quality --data ../shared/datasets
"""
RESAMPLES: Final = 500
"""Draws of the bootstrap for the 95 % intervals."""
MIN_POOR: Final = 2
"""Fewest poor recordings of a site with an AUC."""

AssessedClips = list[tuple[Clip, Quality]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        assessed = assess(options.data, options.every)
        document = json.loads(quality_model.FILE.read_text(encoding="utf-8"))
    except (StethoError, OSError) as error:
        print(f"report quality: {error}", file=sys.stderr)
        return 2
    cross_validated = {
        name: {part: document[name][part] for part in ("unheard_groups", "unheard_sites")}
        for name in ("heart", "clear")
    }
    print(strict_json.write({**report(assessed), "cross_validated": cross_validated}, indent=1))
    return 0


def assess(data: Path, every: int = 1) -> AssessedClips:
    """Return every Nth clip of the datasets with the quality that the worker assesses."""
    chosen = tqdm(islice(clips.all_of(data), 0, None, every), "quality", unit="clip", disable=None)
    return [(clip, quality.assess(clip.read())) for clip in chosen]


def report(assessed: AssessedClips) -> dict[str, Any]:
    """Return the areas under the ROC curves, and the fraction of usable clips of each kind."""
    annotated = [(clip, assessment) for clip, assessment in assessed if clip.is_clear is not None]
    physionet = [(clip, assessment) for clip, assessment in annotated if clip.site.startswith("physionet")]
    not_poor = [(clip, assessment) for clip, assessment in assessed if clip.is_clear is not False]
    sites = sorted({clip.site for clip, assessment in annotated})
    return {
        "good_against_poor": {
            "physionet2016": _auc(physionet, lambda clip: bool(clip.is_clear)),
            "by_site": {
                site: _auc(
                    [each for each in annotated if each[0].site == site], lambda clip: bool(clip.is_clear)
                )
                for site in sites
            },
        },
        "heart_against_everything_else": _auc(not_poor, lambda clip: clip.is_heart),
        "usable": {
            kind: _usable([assessment for clip, assessment in assessed if clip.kind == kind])
            for kind in sorted({clip.kind for clip, _ in assessed})
        },
    }


def _auc(assessed: AssessedClips, is_positive: Callable[[Clip], bool]) -> dict[str, Any] | None:
    """Return the area under the ROC curve of the score, with its 95 % interval; None for too few clips."""
    positive = np.array([is_positive(clip) for clip, _ in assessed])
    if min(positive.sum(), (~positive).sum()) < MIN_POOR:
        return None
    score: npt.NDArray[np.float64] = np.array([assessment.score or 0.0 for _, assessment in assessed])
    draws = metrics.auc(
        positive, score, metrics.group_weights(np.array([c.group for c, _ in assessed]), RESAMPLES)
    )
    return {
        "yes": int(positive.sum()),
        "no": int((~positive).sum()),
        "auc": float(draws[0]),
        "interval": metrics.interval(draws),
    }


def _usable(qualities: list[Quality]) -> dict[str, Any]:
    """Return the fraction of usable clips, and how often each reason was given."""
    usable = sum(each.usable for each in qualities)
    reasons = sorted({reason for each in qualities for reason in each.reasons})
    return {
        "n": len(qualities),
        "usable": usable / len(qualities),
        "interval": metrics.wilson(usable, len(qualities)),
        "reasons": {reason: sum(reason in each.reasons for each in qualities) for reason in reasons},
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho report quality",
        description="Evaluate the signal quality assessment on public recordings and print one JSON object.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="directory of the datasets")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="use only every Nth recording")
    return parser


if __name__ == "__main__":
    sys.exit(main())
