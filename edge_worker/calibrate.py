"""Command `stetho calibrate`: teaches a stethoscope its own threshold by hearts that are known.

It may run while the worker does, which takes the calibration up within a second or two.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tqdm import tqdm

from edge_worker.analysis import device_calibration, known_hearts
from edge_worker.analysis.device_calibration import CalibrationReport
from edge_worker.analysis.known_hearts import KnownHeart, listed
from edge_worker.audio_store.opening import open_audio
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.engine import connect_existing
from edge_worker.database.store import open_existing
from edge_worker.errors import CalibrationError, StethoError
from edge_worker.inference import device_proof
from edge_worker.inference.classifier import Classifier
from edge_worker.inference.device_adaptation import DeviceAdaptation, DeviceCalibration
from edge_worker.inference.loaded_models import LoadedModels
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.own_command import stetho
from edge_worker.protocol.topics import DEVICE_ID
from edge_worker.settings import Settings

_BAR: Final = 24
_PROGRESS_FROM: Final = 5
"""Files from which on a progress bar is shown."""
_EXAMPLES: Final = """examples:
  stetho calibrate st-01 --normals ~/healthy    from the WAV files of healthy hearts in a folder
  stetho calibrate st-01 --normals ~/healthy --abnormals ~/sick
                                                50 of each or more: from now on labels are accepted from the
                                                confidence on at which these are right
  stetho calibrate st-01 --reviews              from recordings whose reviews say what heart they are
  stetho calibrate st-01 --undo                 as before the calibration
  stetho calibrate --list

Record the hearts with this stethoscope, one recording of each person. The rule is in
docs/operations.md, Calibration. Exit status: 0, or 2 with one sentence; then nothing was changed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, or 2 with one sentence on stderr."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.device is None and not options.list:
        parser.error("name a device")
    if options.abnormals and not options.normals:
        parser.error("--abnormals goes with --normals")
    try:
        _run(options, Settings.from_environ(os.environ))
    except StethoError as error:
        print(f"stetho calibrate: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace, settings: Settings) -> None:
    tables = AdaptationTables(connect_existing(settings.database))
    registry = ModelRegistry.from_settings(settings)
    if options.list:
        _list(tables, registry)
        return
    if DEVICE_ID.fullmatch(options.device) is None:
        raise CalibrationError(f"{options.device!r} is no device id: use 1 to 32 of a-z, 0-9 and -")
    if options.undo:
        _undo(tables, options.device, options.model)
        return
    classifier = LoadedModels(registry, [options.model])[options.model]
    device_calibration.require_rule(classifier)
    if options.reviews:
        reviewed = tables.reviewed(options.device, options.model)
        sounds = known_hearts.of_use(known_hearts.from_reviews(reviewed, open_audio(settings)))
    else:
        sounds = known_hearts.from_folder(options.normals)
        if options.abnormals:
            sounds += known_hearts.from_folder(options.abnormals, is_abnormal=True)
    report = _calibrate(options, tables, classifier, sounds)
    tables.put(options.device, report.calibration)
    _print(report, options.device)
    if not open_existing(settings.database).has_recordings(options.device):
        print(f"{options.device} has sent no recording yet: is the name right?", file=sys.stderr)


def _calibrate(
    options: argparse.Namespace, tables: AdaptationTables, classifier: Classifier, sounds: list[KnownHeart]
) -> CalibrationReport:
    in_force = DeviceAdaptation(
        tables.all().get(options.device, {}).get(options.model), tables.spectrum(options.device)
    )
    # None: no bar where nobody sees it.
    is_hidden = True if len(sounds) < _PROGRESS_FROM else None
    return device_calibration.calibrate(
        tqdm(sounds, unit="file", disable=is_hidden, leave=False),
        classifier,
        in_force,
        source="reviews" if options.reviews else "folder",
        calibrated_by=_user(),
    )


def _print(report: CalibrationReport, device: str) -> None:
    """Print in plain words what changed, and figures of it."""
    calibration = report.calibration
    print(_proof(report, device) if calibration.abnormal_hearts else _healthy(report, device))
    known = {False: ("healthy", calibration.hearts), True: ("abnormal", calibration.abnormal_hearts)}
    for is_abnormal, (kind, count) in known.items():
        for when, called in zip(("before", "after"), report.called_abnormal[is_abnormal], strict=True):
            if count:
                filled = round(_BAR * called / count)
                bar = "#" * filled + "." * (_BAR - filled)
                print(f"  {kind:8} called abnormal {when:6}  {bar}  {called} of {count}")
    print(f"The worker follows within a second or two. Undo: {stetho(f'calibrate {device} --undo')}")
    if report.refused:
        skipped = listed(list(report.refused))
        print(f"left out, because they are no usable hearts: {skipped}", file=sys.stderr)
    if report.repeated:
        print(f"left out, because the same sound was given before: {report.repeated}", file=sys.stderr)


def _healthy(report: CalibrationReport, device: str) -> str:
    calibration = report.calibration
    direction = "more" if report.difference >= 0 else "less"
    return (
        f"{calibration.hearts} healthy hearts; on {device} they sound {abs(report.difference):.1f} "
        f"{direction} abnormal than at home (log odds): the threshold of {calibration.model} moves by "
        f"{calibration.shift:.1f}."
    )


def _proof(report: CalibrationReport, device: str) -> str:
    calibration = report.calibration
    model, healthy, abnormal = calibration.model, calibration.hearts, calibration.abnormal_hearts
    moved = (
        f"{healthy} healthy and {abnormal} abnormal hearts; on {device} the middle between them is at "
        f"{calibration.shift:.1f} (log odds): the threshold of {model} moves there."
    )
    if calibration.threshold is None or calibration.threshold >= 1:
        return f"{moved}\nNo label is accepted on {device}: at no confidence is {model} right often enough."
    return (
        f"{moved}\nLabels are accepted on {device} from a confidence of {calibration.threshold:.2f} on: "
        f"{report.accepted} of these {healthy + abnormal} hearts, {device_proof.RIGHT:.0%} of each right."
    )


def _undo(tables: AdaptationTables, device: str, model: str) -> None:
    if not tables.remove(device, model):
        raise CalibrationError(
            f"{device} has no calibration of {model}: `{stetho('calibrate --list')}` shows those that exist"
        )
    print(f"The calibration of {device} for {model} is removed; the worker follows within a second or two.")


def _list(tables: AdaptationTables, registry: ModelRegistry) -> None:
    calibrations = tables.all()
    if not calibrations:
        print("No device is calibrated.")
    for device, by_model in calibrations.items():
        for model, each in by_model.items():
            is_current = each.sha256 == registry.adaptable_sha256(model)
            print(
                f"{device}\t{model}\t{_hearts(each)}\tshift {each.shift:+.2f}\tfrom {each.source}\t"
                f"{each.calibrated_at}\t{each.calibrated_by}\t{'in use' if is_current else 'older model'}"
            )


def _hearts(calibration: DeviceCalibration) -> str:
    if calibration.threshold is None:
        return f"{calibration.hearts} hearts"
    accepts = f"accepts from {calibration.threshold:.2f}" if calibration.threshold < 1 else "accepts nothing"
    return f"{calibration.hearts} and {calibration.abnormal_hearts} hearts, {accepts}"


def _user() -> str:
    """Return who calibrates, as far as the system knows: containers may have users without a name."""
    try:
        return getpass.getuser()[:64]
    except (KeyError, OSError):
        return "command"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stetho calibrate",
        description="Teach a stethoscope its own threshold with hearts that are known by other means.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("device", nargs="?", metavar="DEVICE", help="id of the stethoscope, such as st-01")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument(
        "--normals", type=Path, metavar="DIR", help="folder with WAV files of healthy hearts, 16-bit PCM"
    )
    action.add_argument("--reviews", action="store_true", help="use what people reviewed in the dashboard")
    parser.add_argument("--abnormals", type=Path, metavar="DIR", help="the same of abnormal hearts")
    action.add_argument("--undo", action="store_true", help="remove the calibration")
    action.add_argument("--list", action="store_true", help="show all calibrations")
    parser.add_argument("--model", default="heart2", metavar="NAME", help="model (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
