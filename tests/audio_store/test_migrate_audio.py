"""`stetho migrate-audio`: sounds come into a bucket, all of them, as often as it is run."""

from pathlib import Path

import pytest
from object_server import BUCKET, ObjectServer

from edge_worker.audio_store.opening import audio_at
from edge_worker.audio_store.sound import ASIDE, FOLDER
from edge_worker.upkeep import migrate_audio

pytest_plugins = ["object_fixtures"]
NAMES = [*(f"{FOLDER}/st-0{device}/{number:016x}.wav" for device in (1, 2) for number in range(6))]
NAMES += [f"{ASIDE}/st-01/{99:016x}.wav"]
TO = f"s3://{BUCKET}/ward-3"


@pytest.fixture(autouse=True)
def environ(monkeypatch: pytest.MonkeyPatch, at_server: None) -> None:
    monkeypatch.delenv("STETHO_AUDIO_URL")


def fill(directory: Path) -> None:
    for index, name in enumerate(NAMES):
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(bytes([index]) * (1000 + index))
    (directory / NAMES[0]).write_bytes(bytes(7_000_000))


def contents(directory: Path) -> dict[str, bytes]:
    files = (path for folder in (FOLDER, ASIDE) for path in (directory / folder).rglob("*.wav"))
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_sounds_come_into_a_bucket_and_back(
    server: ObjectServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)
    move = ["--from", str(tmp_path), "--to", TO]
    assert migrate_audio.main(move) == 0
    assert capsys.readouterr().out.startswith(f"13 sounds copied, 13 are there now in {TO}")
    assert contents(server.bucket / "ward-3") == contents(tmp_path)

    # Again, after one is another there and one is new here: both come, and nothing else.
    audio_at(TO, "", tmp_path).write(NAMES[1], [b"half"], 4)
    (tmp_path / f"{FOLDER}/st-01/{50:016x}.wav").write_bytes(b"new")
    assert migrate_audio.main(move) == 0
    assert capsys.readouterr().out.startswith("2 sounds copied, 14 are there now")
    assert contents(server.bucket / "ward-3") == contents(tmp_path)

    back = tmp_path / "back"
    back.mkdir()
    assert migrate_audio.main(["--from", TO, "--to", str(back)]) == 0
    assert contents(back) == contents(tmp_path)


def test_what_cannot_be_moved_is_one_sentence(
    server: ObjectServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(tmp_path)

    def refusal(source: str, target: str) -> str:
        assert migrate_audio.main(["--from", source, "--to", target]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        return said

    assert "is no directory; name the data directory" in refusal(str(tmp_path / "nowhere"), TO)
    assert "use s3://BUCKET" in refusal(str(tmp_path), "s3://")
    assert "make the bucket" in refusal(str(tmp_path), "s3://nowhere")
    server.kill()
    assert "cannot be reached" in refusal(str(tmp_path), "s3://sounds/other")
    server.start()
    assert migrate_audio.main(["--from", str(tmp_path), "--to", "s3://sounds/other"]) == 0
