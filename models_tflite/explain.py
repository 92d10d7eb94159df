"""Command `stetho explain MODEL SOUND`: occlusion map of a label, as JSON or as an SVG picture.

Takes an audio file, or a recording of the history, which must have been classified by the same version of the
model.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edge_worker.audio_store.opening import open_audio
from edge_worker.database.history import History
from edge_worker.database.recording_query import RecordingEntry
from edge_worker.errors import AudioError, ModelError, StethoError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.occlusion import OcclusionMap, occlude
from edge_worker.inference.occlusion_picture import svg
from edge_worker.protocol import strict_json
from edge_worker.settings import Settings
from edge_worker.signal.audio_signal import Signal
from models_tflite.evaluation import audio

EXAMPLES = """examples:
  stetho explain heart2 beat.wav --svg beat.svg
  stetho explain heart5 beat.wav --label murmur
  STETHO_DATA_DIR=data stetho explain heart5 --recording 00c0ffee00c0ffee --svg why.svg
"""
MODELS_DIR = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.sound is None) == (options.recording is None):
        parser.error("give an audio file or --recording, one of the two")
    try:
        occlusion = _explain(options)
        if options.svg is not None:
            options.svg.write_text(svg(occlusion), encoding="utf-8")
    except (StethoError, OSError) as error:
        print(f"explain: {error}", file=sys.stderr)
        return 2
    document = strict_json.write(occlusion.document())
    print(document if options.svg is None else f"{occlusion.label}: {options.svg}")
    return 0


def _explain(options: argparse.Namespace) -> OcclusionMap:
    classifier = Classifier.load(options.models_dir, options.model)
    labels = classifier.card.labels
    if options.label is not None and options.label not in labels:
        raise ModelError(
            f"{options.model} does not have the label {options.label!r}, only {', '.join(labels)}"
        )
    return occlude(classifier, _signal(options, classifier), options.label)


def _signal(options: argparse.Namespace, classifier: Classifier) -> Signal:
    if options.sound is not None:
        return audio.read(options.sound)
    settings = Settings.from_environ(os.environ)
    entry = _entry(settings, options.recording, options.device)
    _require_same_model(entry, classifier)
    with tempfile.TemporaryDirectory() as folder:
        return audio.read(open_audio(settings).as_file(entry.audio_file, Path(folder)))


def _entry(settings: Settings, recording_id: str, device: str | None) -> RecordingEntry:
    entries = History.open(settings.database).recording(recording_id, device)
    if not entries:
        raise AudioError(f"there is no recording {recording_id}: GET /api/v1/results lists them")
    if len(entries) > 1:
        devices = ", ".join(entry.device_id for entry in entries)
        raise AudioError(f"recording {recording_id} exists for {devices}: choose one with --device")
    return entries[0]


def _require_same_model(entry: RecordingEntry, classifier: Classifier) -> None:
    """Raise ModelError when another version of the model classified the recording, for other reasons."""
    card = classifier.card
    predictions = json.loads(entry.document or "{}").get("models", [])
    for prediction in predictions:
        if prediction["model"] == card.model and prediction["sha256"] != card.sha256:
            raise ModelError(
                f"recording {entry.recording_id} was classified by {card.model} {prediction['version']}, "
                f"this is {card.version}: give the directory of that version with --models-dir"
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho explain",
        description="Hide one patch of time and frequency after another and show how much each adds to "
        "the probability of the label, as JSON or as a picture. The map explains the model, not the patient.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="name of the model, such as heart2")
    parser.add_argument("sound", type=Path, nargs="?", help="wav, flac, ogg or mp3")
    parser.add_argument("--recording", help="id of a recording in the history (STETHO_DATA_DIR)")
    parser.add_argument("--device", help="device of the recording, if several devices have one with that id")
    parser.add_argument("--label", help="label to explain (default: the label that the model gives)")
    parser.add_argument("--svg", type=Path, help="write the picture to this file")
    parser.add_argument(
        "--models-dir", type=Path, default=MODELS_DIR, help="directory of the model (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
