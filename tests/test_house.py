"""The house: few modules in a room, short files, and a room for every module of the worker."""

import ast
import subprocess
import tomllib
from collections import Counter
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
ROOMS: Final = (
    *("notify", "upkeep", "live", "analysis", "ingest", "leases", "database", "audio_store", "inference"),
    *("signal", "sound_files", "mqtt", "telemetry", "protocol"),
)
ROOT: Final = {
    *("__init__", "__main__", "assembly", "broker_address", "worker", "worker_status", "message_router"),
    *(
        "settings",
        "errors",
        "directory_lock",
        "doctor",
        "calibrate",
        "private_files",
        "text_file",
    ),
    *(
        "own_command",
        "publisher",
        "reception",
        "shard_keeper",
        "worker_report",
        "quarantine",
        "worker_state",
    ),
}
MODULES, LINES = 20, 300
VAGUE: Final = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}

WRITER: Final = "edge_worker/protocol/strict_json.py"
QUOTED: Final = "edge_worker/telemetry/logfmt.py"
"""Quotes a text of a log line, which is no document."""

FILES: Final = [
    PROJECT / name
    for name in subprocess.run(
        ["git", "ls-files", "*.py"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
]
CODE: Final = [path for path in FILES if path.relative_to(PROJECT).parts[0] != "tests"]


FIRMWARE: Final = [
    PROJECT / name
    for name in subprocess.run(
        ["git", "ls-files", "firmware/*.cpp", "firmware/*.h", "firmware/*.sh"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
]
GENERATED: Final = {"firmware/core/display/font.cpp"}
"""Longer, because a program writes it from the bitmaps of a font, and nobody reads it."""


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def test_files_were_found() -> None:
    assert len(FILES) > 400
    assert len(CODE) > 250
    assert len(FIRMWARE) > 300


def test_no_room_has_more_modules_than_a_newcomer_can_survey() -> None:
    rooms = Counter(named(path.parent) for path in FILES if path.name != "__init__.py")
    assert {room: count for room, count in rooms.items() if count > MODULES} == {}


def test_no_file_is_so_long_that_it_does_two_things() -> None:
    lines = {named(path): len(path.read_text().splitlines()) for path in (*CODE, *FIRMWARE)}
    assert {path for path, count in lines.items() if count > LINES} == GENERATED


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [named(path) for path in FILES if VAGUE & set(path.stem.split("_"))] == []


def test_the_worker_has_its_fourteen_rooms_in_the_import_contract() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each.get("containers") == ["edge_worker"]]
    assert tuple(layers) == ROOMS
    assert not any("ignore_imports" in each for each in contracts if each["type"] == "layers")


def test_every_module_of_the_worker_lies_in_a_room() -> None:
    worker = PROJECT / "edge_worker"
    folders = {path.name for path in worker.iterdir() if (path / "__init__.py").exists()}
    assert folders == set(ROOMS)
    assert {path.stem for path in worker.glob("*.py")} == ROOT


def test_what_tests_training_lies_in_the_folder_that_is_run_with_tensorflow() -> None:
    """The environment of training lacks what other folders import."""
    marked = {named(path) for path in FILES if "pytest.mark." + "training" in path.read_text()}
    assert marked
    assert not [each for each in marked if not each.startswith("tests/models_tflite/")]


def test_all_json_that_leaves_a_program_is_written_by_the_one_writer() -> None:
    found = {(named(path), name) for path in CODE for name in written_otherwise(path)}
    assert found == {(each, "json.dumps") for each in (WRITER, QUOTED)}


def written_otherwise(path: Path) -> list[str]:
    """Return the calls in a module that write JSON with something else than `strict_json.write`."""
    calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    direct = ("dump", "dumps", "JSONEncoder")
    return [
        name for name in map(ast.unparse, calls) if name in {*direct, *(f"json.{each}" for each in direct)}
    ]
