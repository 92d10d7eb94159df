"""Property-based tests of every operation of the OpenAPI document, with requests made by schemathesis.

Checks that compare refusals with the schemas alone are left out: an unknown query parameter is a 400 here,
`from` may be later than `to`, and a cursor is only a string in the document.
"""

from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from archive import Archive
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from edge_worker.database.access.api_key import ApiKeys
from history_api import openapi_document
from history_api.application import create_app

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BOUNDED = settings(
    max_examples=15,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def is_endless(described: dict[str, Any]) -> bool:
    return "text/event-stream" in described["responses"].get("200", {}).get("content", {})


OPERATIONS = [
    (path, method)
    for path, item in openapi_document.DOCUMENT["paths"].items()
    for method, described in item.items()
    if not is_endless(described)
]

EXPECTED = {"/heart-api/": 500}
"""What the document of that system promises where there is no prediction."""


class Subject:
    """The API on a small archive, and its clients: an admin, an owner, and one without a key."""

    def __init__(self, archive: Archive) -> None:
        archive.add(1, "st-01")
        archive.add(1, "st-02", labels={"heart5": "murmur", "heart2": "abnormal"})
        archive.add(2, "st-01", is_analysed=False)
        api_keys = ApiKeys(archive.settings.database)
        keys = [api_keys.add("ann", "admin"), api_keys.add("bob", "owner", "st-01")]
        self.clients = [*({"X-API-Key": key} for key in keys), {}]
        app = create_app(replace(archive.settings, api_auth="keys", api_rate=0))
        self.schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
        # Generated keys are all wrong, and soon too many: no request would pass the authentication.
        self.schema.config.generation.update(with_security_parameters=False)

    def cases(self, path: str, method: str) -> Any:  # noqa: ANN401 - schemathesis ships no types
        """Return requests that are valid, invalid, and about an existing recording."""
        described = self.schema[path][method.upper()]
        existing = {"recording_id": "0000000000000001"} if "{recording_id}" in path else None
        return (
            described.as_strategy(GenerationMode.POSITIVE)
            | described.as_strategy(GenerationMode.NEGATIVE)
            | described.as_strategy(GenerationMode.POSITIVE, path_parameters=existing)
        )


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return Subject(Archive(tmp_path_factory.mktemp("archive")))


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_request_is_answered_as_documented(subject: Subject, path: str, method: str) -> None:
    @BOUNDED
    @given(case=subject.cases(path, method))
    def ask(case: Any) -> None:  # noqa: ANN401 - schemathesis ships no types
        for headers in subject.clients:
            response = case.call(headers=headers)
            # There is neither broker nor model here: what needs one is a 503.
            assert response.status_code < 500 or response.status_code in (503, EXPECTED.get(path))
            case.validate_response(response, checks=CHECKS)

    ask()
