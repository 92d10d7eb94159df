"""Command `stetho report exam --predictions FILE.npz`: figures of exams, and the constants of their rule.

The file has one entry per recording, oldest first: `log_odds` (of abnormal, by a model that never heard the
site), `targets` (0 normal, 1 abnormal), `patient`, `position` and `site`; `exam` where a patient has several.
`weight` and `thresholds.sum` are the constants of `edge_worker.protocol.exam_evidence`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from edge_worker.errors import ModelError, StethoError
from edge_worker.protocol import strict_json
from models_tflite.evaluation import exam_figures
from models_tflite.evaluation.exam_figures import Exams

EXAMPLES: Final = """example:
  stetho report exam --predictions unheard-sites.npz
"""
ARRAYS: Final = ("log_odds", "targets", "patient", "position", "site")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        exams = read(options.predictions)
    except (StethoError, OSError) as error:
        print(f"report exam: {error}", file=sys.stderr)
        return 2
    print(strict_json.write(exam_figures.report(exams), indent=1))
    return 0


def read(path: Path) -> Exams:
    """Return the exams of a file of predictions; raises ModelError when it is not of the form above."""
    arrays = _arrays(path)
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise ModelError(f"{path} lacks {', '.join(missing)}; store one array of each, one entry a recording")
    if len({array.shape for array in arrays.values()}) > 1:
        raise ModelError(f"the arrays of {path} differ in length; store one entry a recording in each")
    patients = arrays["patient"].astype(str)
    exams = exam_figures.combine(
        log_odds=arrays["log_odds"],
        targets=arrays["targets"],
        patients=patients,
        exams=arrays.get("exam", patients).astype(str),
        positions=arrays["position"].astype(str),
        sites=arrays["site"].astype(str),
    )
    if len(set(exams.is_abnormal.tolist())) < len(exam_figures.LABELS):
        raise ModelError(f"{path} has no normal or no abnormal exam of several positions; add some of each")
    return exams


def _arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in (*ARRAYS, "exam") if name in stored}
    except (ValueError, BadZipFile, TypeError, AttributeError):
        raise ModelError(f"{path} is not an .npz file of plain arrays; store it with numpy.savez") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho report exam",
        description="Evaluate exams of several positions, judged by the sum of their log odds and by any or "
        "all, and print one JSON object: figures by site, and the weight and thresholds to accept by.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        required=True,
        help=".npz file of log odds by models that never heard the site",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
