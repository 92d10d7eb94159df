"""`python -m models_tflite.explain MODEL SOUND`: a picture of which part of a sound made the label.

Takes a sound file, or a recording of the history, which is then explained by the very model that judged it.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from edge_worker.database.history import History, RecordingEntry
from edge_worker.errors import AudioError, ModelError, StethoError
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.occlusion import Occlusion, occlude
from edge_worker.inference.occlusion_picture import svg
from edge_worker.settings import Settings
from edge_worker.signal.features import Signal
from models_tflite.evaluation import audio

EXAMPLES = """examples:
  python -m models_tflite.explain heart2 beat.wav --svg beat.svg
  python -m models_tflite.explain heart5 beat.wav --label murmur
  STETHO_DATA_DIR=data python -m models_tflite.explain heart5 --recording 00c0ffee00c0ffee --svg why.svg
"""
HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if (options.sound is None) == (options.recording is None):
        parser.error("give a sound file or --recording, one of the two")
    try:
        found = _explain(options)
        if options.svg is not None:
            options.svg.write_text(svg(found), encoding="utf-8")
    except (StethoError, OSError) as error:
        print(f"explain: {error}", file=sys.stderr)
        return 2
    print(json.dumps(found.document()) if options.svg is None else f"{found.label}: {options.svg}")
    return 0


def _explain(options: argparse.Namespace) -> Occlusion:
    classifier = Classifier.load(options.models_dir, options.model)
    labels = classifier.card.labels
    if options.label is not None and options.label not in labels:
        raise ModelError(f"{options.model} does not know {options.label!r}, only {', '.join(labels)}")
    return occlude(classifier, _signal(options, classifier), options.label)


def _signal(options: argparse.Namespace, classifier: Classifier) -> Signal:
    if options.sound is not None:
        return audio.read(options.sound)
    settings = Settings.from_environ(os.environ)
    entry = _entry(settings, options.recording, options.device)
    _require_same_model(entry, classifier)
    return audio.read(settings.data_dir / entry.audio_file)


def _entry(settings: Settings, recording_id: str, device: str | None) -> RecordingEntry:
    entries = History.open(settings.database).recording(recording_id, device)
    if not entries:
        raise AudioError(f"there is no recording {recording_id}: see GET /api/v1/results for those there are")
    if len(entries) > 1:
        devices = ", ".join(entry.device_id for entry in entries)
        raise AudioError(f"recording {recording_id} exists for {devices}: choose one with --device")
    return entries[0]


def _require_same_model(entry: RecordingEntry, classifier: Classifier) -> None:
    """Raise ModelError when another version judged the recording: it had other reasons."""
    card = classifier.card
    judged = json.loads(entry.document or "{}").get("models", [])
    for prediction in judged:
        if prediction["model"] == card.model and prediction["sha256"] != card.sha256:
            raise ModelError(
                f"recording {entry.recording_id} was judged by {card.model} {prediction['version']}, this is "
                f"{card.version}: name the directory of that version with --models-dir"
            )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m models_tflite.explain",
        description="Hide one patch of time and frequency after another and show how much of the label's "
        "probability each holds up: a JSON map, or a picture. It explains the model, not the patient.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="name of the model, such as heart2")
    parser.add_argument("sound", type=Path, nargs="?", help="wav, flac, ogg or mp3")
    parser.add_argument("--recording", help="id of a recording of the history (STETHO_DATA_DIR)")
    parser.add_argument("--device", help="device of the recording, when several have one of that id")
    parser.add_argument("--label", help="label to explain (default: the one that the model gives)")
    parser.add_argument("--svg", type=Path, help="write a picture to this file")
    parser.add_argument(
        "--models-dir", type=Path, default=HERE, help="where the model is (default: %(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
