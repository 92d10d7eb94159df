"""Why a model gave its label: the occlusion map, made by a process of its own; this one loads no model."""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any, Final

from flask import Blueprint, Response, g

from edge_worker.database.history import RecordingEntry
from edge_worker.errors import ModelError
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.settings import Settings
from edge_worker.telemetry.logfmt import line
from history_api import lookup
from history_api.openapi.conditional_request import UNCHANGED, render_with_etag
from history_api.openapi.operation import (
    NOT_FOUND,
    PRINTABLE,
    RECORDING_PARAMETERS,
    Paths,
    file_answer,
    get,
    query,
)
from history_api.openapi.problem import ProblemError
from history_api.pictures import picture_cache
from history_api.pictures.picture_cache import PictureCache
from history_api.pictures.recording_pictures import GONE, SVG
from history_api.services import services

LIMIT_S: Final = 60.0
"""Longer than any recording that was tried takes on a small computer."""
_ROOT: Final = Path(__file__).resolve().parents[2]
_LOG: Final = logging.getLogger(__name__)
_EXPLAINING: Final = Lock()
"""One at a time: explaining takes a core for seconds, and the worker needs the others."""
blueprint = Blueprint("occlusion_map", __name__)
PATHS: Final[Paths] = {
    "/api/v1/recordings/{recording_id}/occlusion.svg": get(
        "which part of the sound made a model's label; 503 where models cannot run beside the API",
        "occlusion",
        {"200": file_answer(SVG, "The picture.")} | UNCHANGED | GONE | NOT_FOUND,
        (
            *RECORDING_PARAMETERS,
            query("model", PRINTABLE, "a model that judged the recording; default: the headline's"),
        ),
    ),
}


@blueprint.get("/api/v1/recordings/<recording_id>/occlusion.svg")
def occlusion_svg(recording_id: str) -> Response:
    """Answer the occlusion map of the label that a model gave."""
    entry = lookup.recording(recording_id)
    lookup.audio_path(entry)
    prediction = _prediction(entry, g.query["model"])
    name = picture_cache.name(
        entry.audio_sha256, f"{prediction['sha256'][:16]}-occlusion.svg", prediction["model"]
    )
    response = render_with_etag(name, SVG, lambda: _kept(name, entry, prediction))
    # The map carries its spectrogram in itself.
    response.headers["Content-Security-Policy"] = "default-src 'none'; img-src data:; frame-ancestors 'none'"
    return response


def _prediction(entry: RecordingEntry, model: str | None) -> dict[str, Any]:
    """Return what `model` said, or the headline: the first model that is sure, else the first."""
    predictions: list[dict[str, Any]] = (lookup.result(entry) or {}).get("models", [])
    wanted = [each for each in predictions if model in (None, each["model"])]
    if not wanted:
        names = ", ".join(each["model"] for each in predictions) or "none yet"
        raise ProblemError(404, f"this model did not judge the recording; these did: {names}")
    return next((each for each in wanted if each["accepted"]), wanted[0])


def _kept(name: str, entry: RecordingEntry, prediction: dict[str, Any]) -> bytes:
    cache = PictureCache.of(services().settings)
    content = cache.read(name)
    if content is not None:
        return content
    directory = _directory(services().settings, prediction)
    if not _EXPLAINING.acquire(blocking=False):
        raise ProblemError(503, "another label is being explained; ask again", {"Retry-After": "5"})
    try:
        content = _explained(entry, prediction["model"], directory)
    finally:
        _EXPLAINING.release()
    cache.put(name, content)
    return content


def _directory(settings: Settings, prediction: dict[str, Any]) -> Path:
    """Return where the very model lies that made `prediction`: another one had other reasons."""
    shelf, model = ModelRegistry.of(settings), prediction["model"]
    for version in (None, prediction["version"]):
        try:
            if shelf.card(model, version).get("sha256") == prediction["sha256"]:
                return shelf.directory(model, version).resolve()
        except ModelError:
            continue
    raise ProblemError(
        503, f"{model} {prediction['version']}, which judged this recording, is not on this machine any more"
    )


def _explained(entry: RecordingEntry, model: str, directory: Path) -> bytes:
    settings = services().settings
    with tempfile.TemporaryDirectory() as workplace:
        picture = Path(workplace) / "why.svg"
        command = [sys.executable, "-m", "models_tflite.explain", model]
        command += ["--recording", entry.recording_id, "--device", entry.device_id]
        command += ["--models-dir", str(directory), "--svg", str(picture)]
        try:
            done = subprocess.run(
                command,
                env=_environment(settings),
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ProblemError(503, f"explaining took longer than {LIMIT_S:g} s; it was ended") from None
        if done.returncode != 0 or not picture.exists():
            _LOG.warning(line("explain_failed", id=g.request_id, reason=done.stderr[-500:]))
            raise ProblemError(
                503,
                "models cannot run beside this API; run `python -m models_tflite.explain` where the worker "
                "is (the server's log has the reason under this request_id)",
            )
        return picture.read_bytes()


def _environment(settings: Settings) -> dict[str, str]:
    """Return what the process needs to find our modules, the data and the database."""
    path = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(path),
        "STETHO_DATA_DIR": str(settings.data_dir),
        "STETHO_DATABASE_URL": settings.database,
    }
