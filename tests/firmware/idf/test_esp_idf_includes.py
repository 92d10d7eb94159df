"""Each file of the board includes the header of everything that it uses of ESP-IDF, in every version of it.

Headers of ESP-IDF include others, not the same in each version: what came by chance with 5.3 misses in 6.0.
"""

import functools
import re
from pathlib import Path
from typing import Final

import esp_idf
import pytest
from toolchain import FIRMWARE

_INCLUDE: Final = re.compile(r'^#include (?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
_COMMENT: Final = re.compile(r"//[^\n]*")
_TEXT: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_NAME: Final = re.compile(
    r"(?<![.>\w])(?!u?int(?:8|16|32|64)_t|size_t|ptrdiff_t)(?:[a-z0-9]+_\w+|[A-Z0-9]+_\w+|(?:x|v|ux|ul|pv|pc|pd|port|config)[A-Z]\w+)\b"
)
"""How names of ESP-IDF and FreeRTOS look, but fields, which come after a dot."""
EVERYWHERE: Final = {"esp_err.h"}
"""Comes with each header whose functions return one of its codes."""


@functools.cache
def _read(path: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return what a file includes, and the names in it that look like those of ESP-IDF."""
    text = path.read_text()
    included = frozenset(one or other for one, other in _INCLUDE.findall(text))
    code = _TEXT.sub('""', _COMMENT.sub("", _INCLUDE.sub("", text)))
    return included, frozenset(_NAME.findall(code))


@functools.cache
def _known(version: str, header: str) -> frozenset[str]:
    """Return the names in a header of the stubs and in those that it includes."""
    path = esp_idf.stub(version, header)
    if path is None:
        return frozenset()
    included, names = _read(path)
    return names.union(*(_known(version, each) for each in included))


@functools.cache
def _homes(version: str) -> dict[str, set[str]]:
    """Return for each name of ESP-IDF the headers that declare it, not those that got it from another one."""
    homes: dict[str, set[str]] = {}
    for header in esp_idf.headers(version):
        path = esp_idf.stub(version, header)
        assert path is not None
        included, names = _read(path)
        for name in names.difference(*(_known(version, each) for each in included)):
            homes.setdefault(name, set()).add(header)
    return homes


def _has(included: frozenset[str], home: str) -> bool:
    """Return whether one of the headers is `home` or promises what is in it: esp_eth.h all of esp_eth_*.h."""
    return any(home == each or home.startswith(each.removesuffix(".h") + "_") for each in included)


@pytest.mark.parametrize("version", esp_idf.VERSIONS)
def test_every_file_includes_the_headers_of_what_it_uses(version: str) -> None:
    homes = _homes(version)
    missing = set()
    for path in [*FIRMWARE.glob("esp/*.*"), *FIRMWARE.glob("main/*.h"), *FIRMWARE.glob("main/*.cpp")]:
        own = path.with_suffix(".h")
        names = _read(path)[1]
        included = _read(path)[0] | (_read(own)[0] if own.exists() else frozenset())
        for name in names & homes.keys():
            if not homes[name] & EVERYWHERE and not any(_has(included, home) for home in homes[name]):
                missing.add(f"{path.relative_to(FIRMWARE)}: {name} is in {' or '.join(sorted(homes[name]))}")
    assert "\n".join(sorted(missing)) == ""


def test_stubs_include_each_other_so_that_those_of_a_later_version_are_found() -> None:
    quoted = [
        path.name for path in esp_idf.STUBS.rglob("*.h") if re.search(r'^#include "', path.read_text(), re.M)
    ]
    assert quoted == [], "in quotes the header beside it is found first, whatever the version"
