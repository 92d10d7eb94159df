"""Style sheet and scripts of the pages over HTTP, at addresses with a fingerprint, cacheable for ever."""

import hashlib
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, send_file

from history_api.access.proxy import root
from history_api.openapi.operation import PROBLEM, Paths, get
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import TEXT

_FOLDERS: Final = tuple(Path(__file__).parent / name for name in ("static", "vendored"))
"""Ours, and those of others: `vendored/README.md`."""
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".txt": "text/plain"}
_FILES: Final = {
    path.name: path for folder in _FOLDERS for path in sorted(folder.iterdir()) if path.suffix in _TYPES
}
_FINGERPRINT: Final = hashlib.sha256(b"".join(path.read_bytes() for path in _FILES.values())).hexdigest()[:12]
_FOREVER: Final = "public, max-age=31536000, immutable"
blueprint = Blueprint("asset", __name__)
PATHS: Final[Paths] = {
    "/static/{fingerprint}/{file}": get(
        "style sheet and scripts of the pages",
        "asset",
        {
            "200": {
                "description": "The file.",
                "content": {kind: {"schema": TEXT} for kind in _TYPES.values()},
            },
            "304": {"description": "Unchanged since the answer with this ETag."},
            "404": PROBLEM,
        },
        tuple(
            {"name": name, "in": "path", "required": True, "schema": TEXT} for name in ("fingerprint", "file")
        ),
        role="public",
    )
}


@blueprint.app_template_global("asset")
def address(filename: str) -> str:
    """Return the address of a file. Its relative imports resolve under the same fingerprint."""
    return f"{root()}/static/{_FINGERPRINT}/{filename}"


@blueprint.get("/static/<fingerprint>/<file>")
def asset(fingerprint: str, file: str) -> Response:
    """Answer a file; under the fingerprint of another version it must be revalidated."""
    if file not in _FILES:
        raise ProblemError(404, "there is no such file; reload the page")
    response = send_file(_FILES[file], mimetype=_TYPES[_FILES[file].suffix])
    response.headers["Cache-Control"] = _FOREVER if fingerprint == _FINGERPRINT else "no-cache"
    return response
