"""A history API that requires keys, and a key of each role."""

from dataclasses import replace
from pathlib import Path

from archive import Api, Archive, assert_documented, stop_clock
from werkzeug.test import TestResponse

from edge_worker.database.access.api_key import ROLES, ApiKeys, Role
from history_api.settings import ApiSettings

OWN_DEVICE, OTHER_DEVICE = "st-01", "st-02"
"""The device of the owner, and the one with a recording."""


class KeyedApi:
    """An API on an archive with one recording, of another device than the owner's."""

    def __init__(self, directory: Path, **changed: object) -> None:
        self.archive = Archive(directory)
        self.archive.add(1, OTHER_DEVICE)
        self.settings: ApiSettings = replace(self.archive.settings, api_auth="keys", **changed)  # type: ignore[arg-type]
        self.api_keys = ApiKeys(self.settings.database)
        self.keys = {
            each: self.api_keys.add(each, each, OWN_DEVICE if each == "owner" else None) for each in ROLES
        }
        self.api = Api(self.settings)
        stop_clock(self.api)

    def ask(self, path: str, method: str = "get", role: Role | None = None, query: str = "") -> TestResponse:
        """Return the answer to an operation of the document, which must promise it."""
        address = (
            path.replace("{recording_id}", "0000000000000001")
            .replace("{device_id}", OTHER_DEVICE)
            .replace("{exam_id}", "visit-7")
            .replace("{subject}", "P-17")
        )
        headers = {} if role is None else {"Authorization": f"Bearer {self.keys[role]}"}
        answer = self.api.client.open(address + query, method=method.upper(), headers=headers, buffered=False)
        if answer.mimetype != "text/event-stream":
            assert_documented(answer, path, method.upper())
            answer.get_data()
        answer.close()  # as a server does: it frees the share of a long request
        return answer
