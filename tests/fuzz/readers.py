"""Every reader of bytes from outside, as a fuzz target: a function of bytes that returns, whatever they are.

A target raises where a reader fails with an error that it does not promise, or returns what it must not.
"""

import json
import tempfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final, NoReturn

from flask.testing import FlaskClient

from edge_worker.audio_store.sound import file_sound
from edge_worker.database.page_cursor import CursorError, PageCursor
from edge_worker.database.store import Store
from edge_worker.errors import AudioError, BackupError, ChunkError, SettingsError
from edge_worker.inference.model_card import ModelCard
from edge_worker.ingest import wav
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.spool import Spool
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.message_router import MessageRouter
from edge_worker.mqtt.inbound import Inbound
from edge_worker.protocol import chunk as codec
from edge_worker.protocol.home_assistant_discovery import HomeAssistantDiscovery
from edge_worker.protocol.meta import parse_meta
from edge_worker.protocol.strict_json import JsonError
from edge_worker.settings import Settings
from edge_worker.text_file import read_text
from edge_worker.upkeep.archive import BROKER, DATA, Archive
from history_api.application import create_app
from history_api.live.event import event_of
from history_api.mqtt import bus_message
from history_api.openapi.problem import ProblemError
from history_api.pictures import wav_reader
from history_api.reports import fhir_codes
from history_api.settings import ApiSettings
from history_api.uploads import decoding

Reader = Callable[[bytes], None]
BUS_TOPICS: Final = (
    *("device/st-01/up/state", "device/st-01/up/info", "device/st-01/up/telemetry", "device/st-01/up/pcm"),
    "device/st-01/up/answer",
    *("device/st-01/down/control", "device/st-01/down/live", "worker/w", "result/st-01", "exam/st-01/e"),
)
"""Topics whose messages the history API reads."""
_CRC_AT: Final = 28
_SPOOL_HEADER: Final = b"STSPOOL1" + bytes(8)


def chunk(data: bytes) -> None:
    """A chunk that is accepted encodes to the same bytes."""
    for payload in (data, _with_checksum(data)):
        with suppress(ChunkError):
            found = codec.decode(payload)
            assert codec.encode(found) == payload or payload[6] != 1, "codec is ignored in META"


def meta(data: bytes) -> None:
    """A META that is accepted leaves the worker as strict JSON."""
    with suppress(ChunkError):
        _strict(json.dumps(parse_meta(data, 1)))


def message(data: bytes) -> None:
    """Whatever a device sends on its topics, a worker goes on, and what a page is told is strict JSON."""
    router = _router()
    topics = ("stetho/v1/device/st-01/up/pcm", "stetho/v1/device/st-01/up/state", "homeassistant/status")
    for now, topic in enumerate((*topics, "homeassistant/device/st-01/config")):
        router.route(Inbound(topic, data, False, 1), float(now))
    for topic in BUS_TOPICS:
        with suppress(JsonError):
            read = bus_message.read(f"stetho/v1/{topic}", data)
            event = None if read is None else event_of(read)
            if event is not None:
                _strict(event.encode().split("data: ", 1)[1])


def spool(data: bytes) -> None:
    """Files of the spool cost at most their own recording."""
    with tempfile.TemporaryDirectory() as folder:
        device = Path(folder) / "spool" / "st-01"
        stream = device / "0000000000000002.stream"
        stream.mkdir(parents=True)
        (device / "0000000000000001.chunks").write_bytes(_SPOOL_HEADER + data)
        (stream / "000000.chunks").write_bytes(_SPOOL_HEADER + data)
        (stream / "state.json").write_bytes(data)
        for recording in Spool(device.parent).load():
            assert recording.spool_bytes <= len(_SPOOL_HEADER + data)
        list(StreamSpool(device.parent).load())


def sound(data: bytes) -> None:
    """A sound is read or refused with a reason, and never longer than its bytes can be."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sound.wav"
        file.write_bytes(data)
        with suppress(AudioError):
            (stored,) = filter(None, [file_sound(file, file.name)])
            assert len(wav.read(stored)) <= len(data)
            wav_reader.read_envelope(stored, 100)
            wav_reader.read_samples(stored, 4000)
        with suppress(ProblemError):
            decoded = decoding.decode(file, Path(folder) / "pcm", Settings(max_recording_mb=1))
            assert decoded.samples > 0


def query(data: bytes) -> None:
    """No query, body or cookie is an error of the server's."""
    client, text = _client(), data.decode("latin-1")
    client.set_cookie("stetho_session", text.translate({13: None, 10: None}))
    for path in ("/api/v1/results", "/api/v1/recordings"):
        assert client.get(path, query_string=text).status_code < 500, path
    body = client.put("/api/v1/devices/st-01/settings", data=data, content_type="application/json")
    assert body.status_code < 500


def files(data: bytes) -> None:
    """Files that people or other programs write are read or refused with one sentence."""
    with suppress(CursorError):
        PageCursor.decode(data.decode("latin-1"), "-stored")
    with suppress(ValueError, KeyError, TypeError):
        ModelCard.parse(data.decode("utf-8", "replace"))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "file"
        file.write_bytes(data)
        with suppress(UnicodeDecodeError):
            assert "\r" not in read_text(file)
        with suppress(SettingsError):
            fhir_codes.load(file)
        with suppress(BackupError), Archive(file) as archive:
            for part in (DATA, BROKER):
                archive.extract(part, Path(folder) / "into", lambda _size: None)
        assert {path.name for path in Path(folder).iterdir()} <= {"file", "into"}


READERS: Final[dict[str, Reader]] = {
    each.__name__: each for each in (chunk, meta, message, spool, sound, query, files)
}
SEEDS: Final = {
    "chunk": ("chunk",),
    "meta": ("meta", "json"),
    "message": ("chunk", "meta", "json", "control", "live", "result"),
    "spool": ("chunk", "json"),
    "sound": ("sound",),
    "query": ("query", "json"),
    "files": ("files", "json"),
}
"""Folders with the first inputs of each; those of the firmware's readers are the same files."""
PROJECT: Final = Path(__file__).parents[2]


def seed_folders(name: str) -> list[Path]:
    """Return the folders of the repository with the seeds of a reader."""
    places = [place for each in SEEDS[name] for place in (
        PROJECT / "tests/fuzz/corpus" / each,
        PROJECT / "firmware/tests/fuzz/corpus" / each,
    )]  # fmt: skip
    return [place for place in places if place.is_dir()]


def found_by_firmware(name: str) -> list[Path]:
    """Return the folders with what the firmware's fuzzers found of a kind; they change while those run."""
    places = [PROJECT / f"firmware/build/fuzz/corpus/{each}_fuzz" for each in SEEDS[name]]
    return [place for place in places if place.is_dir()]


def _with_checksum(data: bytes) -> bytes:
    """Return a payload with the checksum that it should have, to get past that."""
    if len(data) < codec.HEADER_BYTES:
        return data
    crc = zlib.crc32(data[codec.HEADER_BYTES :], zlib.crc32(data[:_CRC_AT]))
    return data[:_CRC_AT] + crc.to_bytes(4, "little") + data[codec.HEADER_BYTES :]


def _strict(text: str) -> None:
    def refuse(constant: str) -> NoReturn:
        raise AssertionError(f"{constant} is no JSON")

    json.loads(text, parse_constant=refuse)
    text.encode()


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="stetho-fuzz-"))


@cache
def _router() -> MessageRouter:
    intake = Intake(Spool(_folder() / "spool"), Settings(), lambda _device, _name: None)
    discovery = HomeAssistantDiscovery("w", is_on=True, is_known=lambda _device: True)
    return MessageRouter(intake, discovery, lambda messages: None)


@cache
def _client() -> FlaskClient:
    settings = ApiSettings(data_dir=_folder(), api_auth="none", api_rate=0)
    Store.open(settings.database).close()
    return create_app(settings).test_client()
