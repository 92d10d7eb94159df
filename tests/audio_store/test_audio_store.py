"""The contract of a store of sounds, whatever is behind it."""

import io
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest
from object_server import BUCKET, ObjectServer

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.audio_store.audio_store import AudioStore, require
from edge_worker.audio_store.bucket_address import open_bucket
from edge_worker.audio_store.sound import ASIDE, sound_name
from edge_worker.errors import AudioError
from edge_worker.ingest import wav

pytest_plugins = ["object_fixtures"]
NAME = sound_name("st-01", "00000000000000aa")
OTHER = sound_name("st-02", "00000000000000bb")
PCM = bytes(range(256)) * 8


@pytest.fixture(params=["directory", "bucket", "prefix"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AudioStore:
    if request.param == "directory":
        return AudioDirectory(tmp_path)
    server: ObjectServer = request.getfixturevalue("server")
    for path in server.bucket.iterdir():
        shutil.rmtree(path)
    environ = server.environ("" if request.param == "bucket" else "ward-3/left.wing")
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return open_bucket(environ["STETHO_AUDIO_URL"], "")


def put(store: AudioStore, name: str = NAME, content: bytes = b"sound") -> None:
    store.write(name, [content], len(content))


def content(store: AudioStore, name: str) -> bytes:
    with require(store, name).open() as file:
        return file.read()


def test_a_sound_is_read_as_it_was_written_from_any_place_on(store: AudioStore) -> None:
    pieces: list[bytes | bytearray] = [b"whole ", bytearray(b"sound")]
    store.write(NAME, iter(pieces), 11)
    sound = require(store, NAME)
    assert (sound.name, sound.size, sound.file_name) == (NAME, 11, "00000000000000aa.wav")
    with sound.open() as file:
        assert file.read(5) == b"whole"
        assert file.seek(-5, io.SEEK_END) == 6
        assert file.read() == b"sound"
        assert file.read() == b""
        file.seek(2)
        assert file.read(100) == b"ole sound"


def test_a_long_sound_comes_whole(store: AudioStore) -> None:
    parts = [bytes([number]) * 1_100_000 for number in range(5)]
    store.write(NAME, iter(parts), sum(map(len, parts)))
    assert content(store, NAME) == b"".join(parts)


def test_a_sound_written_again_is_the_new_one(store: AudioStore) -> None:
    put(store)
    put(store)
    put(store, content=b"other")
    assert content(store, NAME) == b"other"
    assert [sound.name for sound in store.sounds()] == [NAME]


def test_what_fails_halfway_leaves_what_was_there(store: AudioStore) -> None:
    def parts() -> Iterator[bytes]:
        yield bytes(6_000_000)
        raise OSError("the spool is gone")

    for name in (NAME, OTHER):
        if name == NAME:
            put(store, name)
        with pytest.raises(OSError, match="the spool is gone"):
            store.write(name, parts(), 7_000_000)
    assert content(store, NAME) == b"sound"
    assert store.find(OTHER) is None


def test_several_sounds_are_stored_at_once_or_fail_alone(store: AudioStore, tmp_path: Path) -> None:
    both: dict[str, list[bytes | bytearray]] = {NAME: [b"one", bytearray(b" sound")], OTHER: [b"other"]}
    store.write_all(both)
    assert (content(store, NAME), content(store, OTHER)) == (b"one sound", b"other")
    if isinstance(store, AudioDirectory):
        (tmp_path / "audio" / "st-03").write_bytes(b"no folder")
        with pytest.raises(OSError, match="st-03"):
            store.write_all({NAME: [b"new"], sound_name("st-03", "00000000000000cc"): [b"lost"]})
        assert content(store, NAME) == b"one sound"


def test_sounds_are_listed_with_their_sizes(store: AudioStore) -> None:
    put(store)
    put(store, OTHER, b"more sound")
    assert {sound.name: sound.size for sound in store.sounds()} == {NAME: 5, OTHER: 10}
    assert list(store.sounds(ASIDE)) == []


def test_sounds_are_listed_in_parts_and_in_order(store: AudioStore) -> None:
    devices = ("st-1", "st-1-a", "st-10", "st", "a")
    names = [sound_name(device, f"{number:016x}") for device in devices for number in (1, 2)]
    for name in names:
        put(store, name)
    store.set_owner("us")
    listed: list[str] = []
    while part := store.part(listed[-1] if listed else "", 3):
        assert len(part) <= 3
        listed += [sound.name for sound in part]
    assert listed == sorted(names)


def test_removing_counts_bytes_and_is_done_again_at_will(store: AudioStore) -> None:
    put(store)
    put(store, OTHER, b"more sound")
    assert store.remove([NAME, OTHER, sound_name("st-03", "00000000000000cc")]) == 15
    assert store.remove([NAME, OTHER]) == 0
    assert store.remove([]) == 0
    assert list(store.sounds()) == []
    with pytest.raises(AudioError, match="is gone"):
        require(store, NAME)


def test_a_sound_is_set_aside(store: AudioStore) -> None:
    put(store)
    store.set_aside(NAME)
    assert store.find(NAME) is None
    assert [(sound.name, sound.size) for sound in store.sounds(ASIDE)] == [
        (f"{ASIDE}/st-01/00000000000000aa.wav", 5)
    ]


def test_a_sound_is_had_as_a_file(store: AudioStore, tmp_path: Path) -> None:
    put(store)
    assert store.as_file(NAME, tmp_path / "copies").read_bytes() == b"sound"
    assert not store.as_file(OTHER, tmp_path / "copies").exists()


@pytest.mark.parametrize(
    "name",
    ["stetho.db", "audio/../stetho.db", "audio/st-01/../../stetho.db", "audio/st-01", "/etc/passwd", ""],
)
def test_only_a_sound_is_a_sound(store: AudioStore, tmp_path: Path, name: str) -> None:
    (tmp_path / "stetho.db").write_bytes(b"secret")
    with pytest.raises(AudioError):
        store.find(name)
    assert store.remove([name]) == 0
    assert (tmp_path / "stetho.db").read_bytes() == b"secret"


def test_a_wav_file_is_what_every_program_reads(store: AudioStore) -> None:
    wav.write(store, NAME, PCM, 44_100, 2)
    expected = io.BytesIO()
    with wave.open(expected, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44_100)
        file.writeframes(PCM)
    assert content(store, NAME) == expected.getvalue()
    assert wav.read_with_format(require(store, NAME)) == (PCM, 44_100, 2)
    assert wav.read_foreign(require(store, NAME)).pcm == PCM


def test_a_store_says_where_it_is(store: AudioStore, tmp_path: Path) -> None:
    at = store.check()
    assert at == f"in {tmp_path}/audio" or at.startswith(f"in s3://{BUCKET}")
