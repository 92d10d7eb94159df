"""Many files of one request: an answer for each, so that a bad one does not fail the others."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from werkzeug.datastructures import FileStorage

from history_api.openapi.problem import ProblemError
from history_api.services import services
from history_api.uploads.upload_intake import RecordingKey, UploadIntake, UploadOptions
from history_api.uploads.upload_request import decode_file, kept_name, sent_files, upload_state, wait_s

MOST_FILES: Final = 50
Answer = Callable[[dict[str, Any], str | None], dict[str, Any]]
"""Makes the answer for a file of its result and its name."""


def predict_all(options: UploadOptions, answer: Answer) -> dict[str, Any]:
    """Return the answers for the files of the current request under `files`.

    Raises:
        ProblemError: there are none or too many, no such model (400), or no worker is ready (503).
    """
    files = sent_files("files")
    if not 0 < len(files) <= MOST_FILES:
        raise ProblemError(400, f"{len(files)} files came under the key files; send 1 to {MOST_FILES}")
    intake = UploadIntake(services())
    intake.require_worker()
    intake.check_models(options.models)
    # All are published before the first is waited for: they are analysed side by side.
    recordings = [_try_receive(intake, file, options) for file in files]
    answers = [_item(intake, *each, answer) for each in zip(recordings, files, strict=True)]
    return {"results": answers, "total": len(files)}


def _try_receive(
    intake: UploadIntake, file: FileStorage, options: UploadOptions
) -> RecordingKey | ProblemError:
    try:
        of_file = replace(options, key=None, file_name=kept_name(file.filename))
        return intake.receive(file.stream, of_file, decode_file)
    except ProblemError as problem:
        return problem


def _item(
    intake: UploadIntake, recording: RecordingKey | ProblemError, file: FileStorage, answer: Answer
) -> dict[str, Any]:
    try:
        if isinstance(recording, ProblemError):
            raise recording
        result = intake.wait_for_result(recording, wait_s())
    except ProblemError as problem:
        return {"file_name": file.filename, "status": "error", "error": problem.detail}
    if result is None:
        return {"file_name": file.filename, "status": "pending", **upload_state(recording, None)}
    return {"file_name": file.filename, "status": "success", **answer(result, file.filename)}
