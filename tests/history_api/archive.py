"""A data directory filled through the worker's store, and a client that checks answers against OpenAPI."""

import json
import tempfile
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import archive_database
import wav_files
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from shipped_meanings import explained
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.test import TestResponse

from edge_worker.database import schema
from edge_worker.database.engine import connect
from edge_worker.database.store import AnalysisResult, Store, StoredRecording
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Audio, Quality, Result, Status
from history_api import openapi_document
from history_api.application import create_app
from history_api.openapi.operation_lookup import openapi_path
from history_api.settings import ApiSettings

MORNING = "2026-11-20T08:00:00.000Z"
PCM = bytes(range(256)) * 8
SAMPLE_RATE = 4000


class Archive:
    """A data directory as a worker leaves it; its database is a file in it, or of PostgreSQL."""

    def __init__(self, directory: Path) -> None:
        database_url = archive_database.lend()
        self.settings = ApiSettings(
            data_dir=directory,
            models_dir=directory / "models",
            database_url=database_url,
            api_auth="none",
        )
        self.settings.models_dir.mkdir()
        if not database_url:
            (directory / "stetho.db").write_bytes(_empty_database())
        self.store = Store.open(self.settings.database)

    def add(
        self,
        number: int,
        device: str = "st-01",
        *,
        labels: dict[str, str] | None = None,
        status: Status = "ok",
        captured_at: str = MORNING,
        audio_file: str | None = None,
        is_analysed: bool = True,
        missing: tuple[tuple[int, int], ...] = (),
        site: str | None = "MV",
        exam: str | None = None,
        file_name: str | None = None,
        subject: str | None = None,
        cut_off: bool = False,
        battery_percent: float | None = None,
    ) -> Result:
        """Store a recording with the audio `PCM`, and its result; `labels` is label by model."""
        recording_id = f"{number:016x}"
        audio_file = audio_file or f"audio/{device}/{recording_id}.wav"
        wav_files.write(self.settings.data_dir / audio_file, PCM, SAMPLE_RATE, 1)
        audio = Audio(SAMPLE_RATE, 1, len(PCM) // 2, "5" * 64)
        stored = StoredRecording(
            device,
            recording_id,
            MORNING,
            captured_at,
            "device",
            "partial" if missing else "complete",
            [list(gap) for gap in missing],
            audio.sample_rate,
            audio.channels,
            audio.samples,
            audio.sha256,
            audio_file,
            {"site": site}
            | ({"exam": exam} if exam else {})
            | ({"file_name": file_name} if file_name else {})
            | ({"subject": subject} if subject else {})
            | ({"cut_off": True} if cut_off else {})
            | ({} if battery_percent is None else {"battery_percent": battery_percent}),
            exam,
            file_name=file_name,
            subject=subject,
        )
        self.store.save_recordings([stored])
        predictions = [prediction(model, label) for model, label in (labels or {"heart5": "normal"}).items()]
        result = Result(
            device_id=device,
            recording_id=recording_id,
            status=status,
            completeness=stored.completeness,
            missing=missing,
            audio=audio,
            quality=Quality(True, 12.0, 0.0),
            captured_at=captured_at,
            captured_at_source="device",
            models=tuple(predictions),
            heart_rate_bpm=72.0,
            site=site,
            exam=exam,
            file_name=file_name,
            subject=subject,
        )
        if is_analysed:
            self.save(result)
        return result

    def save(self, result: Result, analysed_at: str = MORNING) -> None:
        """Save the result of a stored recording."""
        key = (result.device_id, result.recording_id)
        (stored,) = [each for each in self.store.unanalysed() if (each.device_id, each.recording_id) == key]
        self.store.save_results([self.analysis_result(stored.id, result, analysed_at)])

    def analysis_result(self, row: int | None, result: Result, analysed_at: str = MORNING) -> AnalysisResult:
        """Return a result as the worker saves it into the row of that id."""
        assert row is not None
        return AnalysisResult(row, result, result.to_json().decode(), analysed_at, ())

    def keep_end(self, number: int, *, samples: int, audio_start: int) -> None:
        """Make a recording a stream of `samples`, of which those before `audio_start` are not kept."""
        engine = connect(self.settings.database)
        with engine.begin() as connection:
            is_it = schema.recordings.c.recording_id == f"{number:016x}"
            values = {"samples": samples, "audio_start": audio_start}
            connection.execute(schema.recordings.update().where(is_it).values(values))
        engine.dispose()

    def api(self) -> "Api":
        """Return a client of the history API on this directory."""
        return Api(self.settings)


class Api:
    """Flask's test client, which checks every answer against the OpenAPI document."""

    def __init__(self, settings: ApiSettings) -> None:
        self.app = create_app(settings)
        self.client: FlaskClient = self.app.test_client()

    def get(self, address: str, **headers: str) -> TestResponse:
        """Return the answer to GET; `If_None_Match="x"` is the header If-None-Match."""
        return self.ask("GET", address, **headers)

    def post(self, address: str, *, files: Sequence[Path] = (), **headers: str) -> TestResponse:
        """Return the answer to POST, of a form with `files` where there are any."""
        data = {"files": [FileStorage(BytesIO(path.read_bytes()), path.name) for path in files]}
        return self.ask("POST", address, data if files else None, **headers)

    def ask(self, method: str, address: str, body: object = None, /, **headers: str) -> TestResponse:
        """Return the answer to a request."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.open(address, method=method, headers=named, data=body)
        path = self._documented(answer.request.path, method)
        if answer.status_code != 405:
            assert_documented(answer, path, "GET" if method == "HEAD" else method, has_body=method != "HEAD")
        return answer

    def _documented(self, path: str, method: str) -> str | None:
        try:
            rule, _ = self.app.url_map.bind("localhost").match(path, method, return_rule=True)
        except (NotFound, MethodNotAllowed):
            return None
        return openapi_path(rule.rule)

    def json(self, address: str) -> Any:  # noqa: ANN401 - JSON is what it is
        """Return the JSON document at `address`, which must exist."""
        answer = self.get(address)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()


def assert_documented(
    answer: TestResponse, path: str | None, method: str = "GET", *, has_body: bool = True
) -> None:
    """Fail unless the OpenAPI document has this status, media type and body at `path`."""
    if path is None:
        assert answer.status_code == 404
        problem = {"$ref": "#/components/schemas/Problem"}
        kinds = {"application/problem+json": {"schema": problem}, "text/html": {}}
        documented: dict[str, Any] = {"content": kinds}
    else:
        documented = openapi_document.DOCUMENT["paths"][path][method.lower()]["responses"][
            str(answer.status_code)
        ]
    if "content" not in documented:
        assert answer.get_data() == b""
        return
    media_type = str(answer.mimetype)
    assert media_type in documented["content"]
    if media_type.endswith(("/json", "+json")) and has_body:
        schema = documented["content"][media_type]["schema"]
        whole = {**schema, "components": openapi_document.DOCUMENT["components"]}
        OAS31Validator(whole, format_checker=oas31_format_checker).validate(answer.get_json())


def stop_clock(api: Api) -> None:
    """Stop the clock of the rate limits: a slow machine would be allowed more requests."""
    authenticator = api.app.extensions["stetho_authenticator"]
    authenticator._requests._clock = authenticator._wrong_keys._clock = lambda: 0.0


def prediction(model: str, label: str, **changed: Any) -> Prediction:  # noqa: ANN401 - as the fields of Prediction
    """Return a prediction of five probabilities."""
    rest = [name for name in ("artifact", "extrahls", "extrastole", "murmur", "normal") if name != label]
    probabilities = {label: 0.9, **dict(zip(rest, (0.05, 0.03, 0.015, 0.005), strict=False))}
    facts: dict[str, Any] = {
        "model": model,
        "version": "1.0.0",
        "sha256": "f" * 64,
        "label": label,
        "confidence": 0.9,
        "threshold": 0.8,
        "accepted": True,
        "probabilities": probabilities,
        "windows": 1,
        "took_ms": 0.5,
    }
    return explained(Prediction(**(facts | changed)))


def problem(answer: TestResponse, status: int) -> dict[str, Any]:
    """Return the problem document of an answer that must be one."""
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"
    document: dict[str, Any] = json.loads(answer.get_data())
    assert document["status"] == status
    assert document["request_id"] == answer.headers["X-Request-ID"]
    return document


@cache
def _empty_database() -> bytes:
    """Return a migrated database: migrating it again for every test takes longer than the tests."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "stetho.db"
        Store.open(f"sqlite:///{path}").close()
        return path.read_bytes()
