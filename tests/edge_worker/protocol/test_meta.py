"""META: what is rejected and what is optional; its other rules are tested through the intake."""

import pytest

from edge_worker.errors import ChunkError
from edge_worker.protocol.meta import parse_meta


@pytest.mark.parametrize(
    "wrong", ['"Visit 7"', '""', '"' + "a" * 33 + '"', "7", "[]", '"../x"', '"a/b"', '"#"']
)
def test_an_invalid_exam_id_is_rejected(wrong: str) -> None:
    with pytest.raises(ChunkError, match="exam is not 1 to 32"):
        parse_meta(f'{{"exam":{wrong}}}'.encode(), 1)


def test_an_exam_id_is_optional() -> None:
    assert parse_meta(b'{"exam":null}', 1) == {"exam": None}
    assert parse_meta(b'{"exam":"visit-7"}', 1) == {"exam": "visit-7"}
