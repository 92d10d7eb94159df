"""Sound in text: wherever it stands and however its text is cut into blocks, it is what was sent."""

import base64
import json
import tempfile
from urllib.parse import quote, quote_plus

import pytest

from history_api.openapi.problem import ProblemError
from history_api.uploads import data_uri
from history_api.uploads.data_uri import Kind, SoundInText

SOUND = bytes(range(256)) * 41 + b"end"
TEXT = base64.b64encode(SOUND).decode()
URI = f"data:audio/wav;base64,{TEXT}"


def sound_in(body: bytes | str, kind: Kind) -> bytes:
    with tempfile.TemporaryFile() as file:
        file.write(body.encode() if isinstance(body, str) else body)
        file.flush()
        sound = SoundInText(file, kind)
        return b"".join(iter(lambda: sound.read(1), b""))


@pytest.mark.parametrize("block", [64, 65, 66, 67, 65_536])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text", URI),
        ("text", f"\n {TEXT}\r\n"),
        ("text", URI.replace("+", " ")),
        ("json", json.dumps({"audio": URI})),
        ("json", json.dumps({"data": "no sound", "audio": URI, "site": "MV"})),
        ("json", json.dumps({"note": '"audio":"x', "data": TEXT})),
        ("json", json.dumps({"file": URI}).replace("/", "\\/")),
        ("form", f"audio={URI}"),
        ("form", f"site=MV&audio_data={quote(URI)}&x=1"),
        ("form", f"data={quote_plus(URI)}"),
        ("form", URI),
    ],
)
def test_it_is_what_was_sent(kind: Kind, body: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_uri, "_BLOCK_BYTES", block)
    assert sound_in(body, kind) == SOUND


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text", "%%%"),
        ("text", TEXT[:-1]),
        ("text", TEXT + TEXT),
        ("text", "QQ==QQ=="),
        ("text", "QUI=QQ=="),
        ("text", "=" * 200_000),
        ("json", json.dumps({"audio": "data:audio/wav;base64,%%%"})),
        ("json", '{"audio":"QUJD\\nQUJD"}'),
        ("form", "audio=%zz"),
    ],
)
@pytest.mark.parametrize("block", [5, 65_536])
def test_what_is_no_base64_is_refused(
    kind: Kind, body: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_uri, "_BLOCK_BYTES", block)
    with pytest.raises(ProblemError, match="base64"):
        sound_in(body, kind)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{",
        '{"audio":1}',
        '{"audio":"x',
        '{"deep":{"audio":"QUJD"}}',
        '["audio","b"]',
        '{"audio":""}',
    ],
)
def test_a_document_without_sound_is_empty(body: str) -> None:
    assert sound_in(body, "json") == b""


def test_a_long_document_around_the_sound_is_not_read() -> None:
    assert sound_in(json.dumps({"audio": TEXT, "other": "x" * 70_000}), "json") == b""


def test_no_block_is_larger_than_what_was_read() -> None:
    with tempfile.TemporaryFile() as file:
        file.write(base64.b64encode(bytes(1_000_000)))
        file.flush()
        sound = SoundInText(file, "text")
        assert max(len(block) for block in iter(lambda: sound.read(1), b"")) <= 65_536
