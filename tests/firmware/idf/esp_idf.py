"""The board's sources, and our stubs of ESP-IDF for each version that it is built with."""

import re
from pathlib import Path
from typing import Final

from toolchain import FIRMWARE

STUBS: Final = FIRMWARE / "esp_idf_stubs"
VERSIONS: Final = {
    "5.3": (STUBS,),
    "5.5": (STUBS / "5.5", STUBS),
    "6.0": (STUBS / "6.0", STUBS / "5.5", STUBS),
}
"""For each version of ESP-IDF the folders of its stubs: a later version hides headers of those before it."""
_ADAPTERS: Final = re.compile(
    r"set\(adapters ([\w\s]+)\)\s+if\(CONFIG_STETHO_SIM\)\s+list\(APPEND adapters ([\w\s]+)\)\s+"
    r"else\(\)\s+list\(APPEND adapters ([\w\s]+)\)"
)


def sources(is_simulation: bool) -> list[Path]:
    """Return what main/CMakeLists.txt compiles for the board, or for the simulation, besides core."""
    listed = _ADAPTERS.search((FIRMWARE / "main" / "CMakeLists.txt").read_text())
    assert listed is not None
    both, simulation, board = (group.split() for group in listed.groups())
    adapters = both + (simulation if is_simulation else board)
    return [*(FIRMWARE / "esp" / f"{name}.cpp" for name in adapters), *sorted(FIRMWARE.glob("main/*.cpp"))]


def stub(version: str, header: str) -> Path | None:
    """Return the file that `#include "header"` finds in the stubs of a version, if there is one."""
    return next((folder / header for folder in VERSIONS[version] if (folder / header).is_file()), None)


def headers(version: str) -> list[str]:
    """Return the names of all headers that the stubs of a version have."""
    found = {
        path.relative_to(folder).as_posix() for folder in VERSIONS[version] for path in folder.rglob("*.h")
    }
    return sorted(name for name in found if not name[0].isdigit())
