"""Command `stetho report`: write pages of model cards, or measure quality, heart rate or calibration."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

REPORTS: Final = {
    "cards": ("write the page MODEL.md of each card, and the table of the README", "models_tflite.card_page"),
    "calibration": ("measure what known healthy hearts are worth", "models_tflite.calibration_report"),
    "quality": ("measure the quality gate on public datasets", "models_tflite.quality_report"),
    "exam": ("measure exams of several positions, fit their rule", "models_tflite.exam_report"),
    "signal": ("measure heart rate, S1 and S2 on annotated recordings", "models_tflite.signal_report"),
}
_EXAMPLES: Final = """examples:
  stetho report cards --help
  stetho report calibration heart2 --labels ../shared/datasets/bmd-hs/labels.csv --group-column patient
  stetho report quality --data ../shared/datasets
  stetho report signal --data ../shared/datasets
  stetho report exam --predictions unheard-sites.npz"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one report; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho report",
        description="\n".join(f"{name:11} {what}" for name, (what, _) in REPORTS.items()),
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("report", choices=REPORTS)
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="of the report")
    chosen = parser.parse_args(arguments)
    status: int = import_module(REPORTS[chosen.report][1]).main(chosen.arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
