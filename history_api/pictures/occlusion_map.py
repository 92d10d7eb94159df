"""Occlusion map of a label over HTTP, computed by `stetho explain` in a subprocess: no model runs here."""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Lock
from typing import Any, Final

from flask import Blueprint, Response, g

from edge_worker.database.recording_query import RecordingEntry
from edge_worker.errors import ModelError
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.own_command import stetho
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
from history_api.settings import ApiSettings

LIMIT_S: Final = 60.0
"""Time limit of the subprocess, longer than any recording that was tried takes on a small computer."""
_ROOT: Final = Path(__file__).resolve().parents[2]
_LOG: Final = logging.getLogger(__name__)
_EXPLAIN_LOCK: Final = Lock()
"""One map at a time: it occupies a core for seconds, and the worker needs the others."""
blueprint = Blueprint("occlusion_map", __name__)
PATHS: Final[Paths] = {
    "/api/v1/recordings/{recording_id}/occlusion.svg": get(
        "which part of the sound made a model's label (occlusion map); 503 where no model can run",
        "occlusion",
        {"200": file_answer(SVG, "The picture.")} | UNCHANGED | GONE | NOT_FOUND,
        (
            *RECORDING_PARAMETERS,
            query("model", PRINTABLE, "a model that gave a label; default: that of the verdict"),
        ),
    ),
}


@blueprint.get("/api/v1/recordings/<recording_id>/occlusion.svg")
def occlusion_svg(recording_id: str) -> Response:
    """Answer the occlusion map of the label that a model gave to a recording."""
    entry = lookup.recording(recording_id)
    lookup.sound(entry)
    prediction = _prediction(entry, g.query["model"])
    name = picture_cache.file_name(
        entry.audio_sha256, f"{prediction['sha256'][:16]}-occlusion.svg", prediction["model"]
    )
    response = render_with_etag(name, SVG, lambda: _cached(name, entry, prediction), in_turn=False)
    # The SVG embeds its spectrogram as a data URI.
    response.headers["Content-Security-Policy"] = "default-src 'none'; img-src data:; frame-ancestors 'none'"
    return response


def _prediction(entry: RecordingEntry, model: str | None) -> dict[str, Any]:
    """Return the prediction of `model`, or without one that of the verdict, else the first."""
    result = lookup.result(entry) or {}
    predictions: list[dict[str, Any]] = result.get("models", [])
    matching = [each for each in predictions if model in (None, each["model"])]
    if not matching:
        names = ", ".join(each["model"] for each in predictions) or "none yet"
        raise ProblemError(404, f"this model did not classify the recording; these did: {names}")
    return next((each for each in matching if each["model"] == result["verdict"]["model"]), matching[0])


def _cached(name: str, entry: RecordingEntry, prediction: dict[str, Any]) -> bytes:
    cache = PictureCache.from_settings(services().settings)
    content = cache.read(name)
    if content is not None:
        return content
    directory = _model_directory(services().settings, prediction)
    if not _EXPLAIN_LOCK.acquire(blocking=False):
        raise ProblemError(503, "another occlusion map is being computed; ask again", {"Retry-After": "5"})
    try:
        content = _explain(entry, prediction["model"], directory)
    finally:
        _EXPLAIN_LOCK.release()
    cache.put(name, content)
    return content


def _model_directory(settings: ApiSettings, prediction: dict[str, Any]) -> Path:
    """Return the directory of the model version that made `prediction`; no other version explains it."""
    registry, model = ModelRegistry.from_settings(settings), prediction["model"]
    for version in (None, prediction["version"]):
        try:
            if registry.card(model, version).get("sha256") == prediction["sha256"]:
                return registry.directory(model, version).resolve()
        except ModelError:
            continue
    raise ProblemError(
        503,
        f"{model} {prediction['version']}, which classified this recording, is not on this machine any more",
    )


def _explain(entry: RecordingEntry, model: str, directory: Path) -> bytes:
    settings = services().settings
    with tempfile.TemporaryDirectory() as directory_name:
        picture = Path(directory_name) / "occlusion.svg"
        command = [sys.executable, "-m", "models_tflite.explain", model]
        command += ["--recording", entry.recording_id, "--device", entry.device_id]
        command += ["--models-dir", str(directory), "--svg", str(picture)]
        try:
            process = subprocess.run(
                command,
                env=_environment(settings),
                capture_output=True,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ProblemError(
                503, f"computing the map took longer than {LIMIT_S:g} s; it was ended"
            ) from None
        if process.returncode != 0 or not picture.exists():
            _LOG.warning(line("explain_failed", id=g.request_id, reason=process.stderr[-500:]))
            raise ProblemError(
                503,
                f"models cannot run beside this API; run `{stetho('explain')}` where the worker "
                "is (the server's log has the reason under this request_id)",
            )
        return picture.read_bytes()


def _environment(settings: ApiSettings) -> dict[str, str]:
    """Return the environment in which the subprocess finds the packages, the data and the database."""
    path = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {
        "PYTHONPATH": os.pathsep.join(path),
        "STETHO_DATA_DIR": str(settings.data_dir),
        "STETHO_DATABASE_URL": settings.database,
    }
