"""The rooms of `firmware/core` include each other in one direction only."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from toolchain import FIRMWARE

MAY_INCLUDE: Final = {
    "wire": {"wire"},
    "signal": {"signal"},
    "storage": {"storage", "wire", "signal"},
    "display": {"display", "wire", "signal"},
    "portal": {"portal", "storage", "wire"},
    "device": {"device", "storage", "display", "wire", "signal"},
}
"""For each room of core the rooms that its files may include; `hal` is open to all of them."""
_INCLUDE: Final = re.compile(r'^#include "([^"]+)"', re.MULTILINE)


def _includes(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield each C++ file below `folder` with each path that it includes in quotes."""
    for path in sorted([*folder.rglob("*.h"), *folder.rglob("*.cpp")]):
        for included in _INCLUDE.findall(path.read_text()):
            yield path, included


def test_every_unit_of_core_lies_in_a_room() -> None:
    core = FIRMWARE / "core"
    assert {path.name for path in core.iterdir()} == set(MAY_INCLUDE)
    nested = [path for room in MAY_INCLUDE for path in (core / room).iterdir() if path.is_dir()]
    assert [path for path in nested if path.name != "__pycache__"] == []


def test_no_room_includes_one_above_it() -> None:
    allowed = {room: {"hal", *(f"core/{each}" for each in rooms)} for room, rooms in MAY_INCLUDE.items()}
    wrong = [
        f"{path.relative_to(FIRMWARE)} includes {included}"
        for room in MAY_INCLUDE
        for path, included in _includes(FIRMWARE / "core" / room)
        if str(Path(included).parent) not in allowed[room]
    ]
    assert wrong == []


def test_the_hardware_interfaces_include_nothing_of_core() -> None:
    wrong = [f"{path.name} includes {included}" for path, included in _includes(FIRMWARE / "hal")]
    assert [each for each in wrong if " includes hal/" not in each] == []


def test_every_unit_test_lies_in_the_room_of_what_it_tests() -> None:
    rooms = {path.parent.name for path in (FIRMWARE / "tests").rglob("*_test.cpp")}
    assert rooms == {*MAY_INCLUDE, "adapters"}
