"""Command `stetho report calibration MODEL --labels FILE.csv`: what known healthy hearts are worth at a site.

The site must be one that training did not hear, recorded with one kind of stethoscope.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from edge_worker.analysis.device_calibration import mean_familiarity, require_rule
from edge_worker.errors import StethoError
from edge_worker.inference.adaptation import ABNORMAL, log_odds
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.device_adaptation import DeviceAdaptation, DeviceSpectrum
from edge_worker.protocol import strict_json
from edge_worker.signal import quality
from edge_worker.signal.audio_signal import Signal
from edge_worker.signal.device_spectrum import spectral_shape
from edge_worker.signal.log_mel import HEART_LOG_MEL
from models_tflite.evaluation import audio, calibration_worth, label_table
from models_tflite.evaluation.calibration_worth import FloatArray, SiteRecordings
from models_tflite.evaluation.label_table import Columns, Row

EXAMPLES: Final = """example:
  stetho report calibration heart2 --labels ../shared/datasets/bmd-hs/labels.csv --group-column patient

Each figure is its mean over the draws, and the range of 95 % of them."""
MODELS_DIR: Final = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        classifier = Classifier.load(options.models_dir, options.model)
        require_rule(classifier)
        rows = label_table.read(options.labels, Columns(group=options.group_column), classifier.card)
        report = calibration_report(
            classifier, rows, options.labels.parent, known=options.known, draws=options.draws
        )
    except (StethoError, OSError) as error:
        print(f"report calibration: {error}", file=sys.stderr)
        return 2
    print(strict_json.write(report, indent=1))
    return 0


def calibration_report(
    classifier: Classifier, rows: list[Row], root: Path, *, known: Sequence[int], draws: int
) -> dict[str, Any]:
    """Return what 0, 5, 20 … known hearts are worth for the files of `rows`; raises StethoError."""
    rule, rate = require_rule(classifier), classifier.card.features.sample_rate
    signals, usable = list[Signal](), list[Row]()
    for row in tqdm(rows, unit="file", disable=None):
        signal = audio.read(root / row.file)
        if quality.assess(signal).usable:
            signals.append(Signal(signal.resampled(rate), rate))
            usable.append(row)
    without: list[FloatArray] = []

    def judge(spectrum: DeviceSpectrum | None) -> FloatArray:
        if spectrum is None and without:
            return without[0]
        adaptation = DeviceAdaptation(spectrum=spectrum)
        predictions = [classifier.classify(each, adaptation) for each in signals]
        odds = np.array([log_odds(each.probabilities) for each in predictions])
        if spectrum is None:
            without.append(odds)
        return odds

    site = SiteRecordings(
        is_abnormal=np.array([row.label == ABNORMAL for row in usable], dtype=np.bool_),
        patients=np.array([row.group for row in usable], dtype=np.str_),
        shapes=np.array([spectral_shape(each.features(HEART_LOG_MEL)) for each in signals], dtype=np.float64),
        judge=judge,
    )
    familiarity = mean_familiarity([classifier.classify(each) for each in signals])
    return {
        "model": classifier.card.model,
        "version": classifier.card.version,
        "sha256": classifier.card.sha256,
        "rule": asdict(rule),
        "recordings": len(rows),
        "usable": len(usable),
        "draws": draws,
        "known": calibration_worth.worth(rule.at(familiarity), site, known, draws),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho report calibration",
        description="Measure what known healthy hearts are worth at a site, and print one JSON object.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a model whose card has an adaptation, such as heart2")
    parser.add_argument("--labels", type=Path, required=True, help="CSV file with one row per recording")
    parser.add_argument("--group-column", required=True, metavar="NAME", help="column of the patient")
    parser.add_argument(
        "--known", type=int, nargs="+", default=[0, 5, 20], metavar="N", help="healthy hearts (0 5 20)"
    )
    parser.add_argument("--draws", type=int, default=100, metavar="N", help="draws of patients (100)")
    parser.add_argument(
        "--models-dir", type=Path, default=MODELS_DIR, help="directory of the models (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
