"""`stetho train quality`: fit the quality model of `edge_worker.signal.quality` and write it."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edge_worker.errors import StethoError
from edge_worker.protocol import strict_json
from edge_worker.signal.quality_model import FILE
from models_tflite.training.assessment.quality_fit import fit
from models_tflite.training.augmentation import quality_corpus


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho train quality",
        description="Fit the quality model: heart or another sound, clear or poor.",
        epilog="example:\n  stetho train quality --data ../shared/datasets --out /tmp/quality_model.json",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds the datasets")
    parser.add_argument(
        "--out", type=Path, default=FILE, help="file to write (default: the worker's, %(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        written = _json(fit(quality_corpus.load(options.data)))
        options.out.write_text(written, encoding="utf-8")
    except (StethoError, OSError) as error:
        print(f"quality: {error}", file=sys.stderr)
        return 2
    print(written)
    return 0


def _json(document: dict[str, Any]) -> str:
    """Return JSON for people: pairs of numbers stay on one line."""
    text = strict_json.write(document, indent=1)
    return re.sub(r"\[\s+([^][]+?),\s+([^][]+?)\s+\]", r"[\1, \2]", text) + "\n"


if __name__ == "__main__":
    sys.exit(main())
