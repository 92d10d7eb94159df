"""What our sources include of ESP-IDF is in the build of each version, with nothing to be added by hand.

`main` gets all components of a build, wherever its folder is, as long as it names none that it requires
itself (tools/cmake/project.cmake, the same in 5.3, 5.5 and 6.0; what the component manager adds does not
count). What a version no longer has comes from the registry: main/idf_component.yml.
"""

import re
from typing import Final

import esp_idf
import pytest
import yaml
from idf_components import COMPONENTS, GENERATED, MOVED_OUT
from toolchain import FIRMWARE

_INCLUDE: Final = re.compile(r'^\s*#include (?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
_OURS: Final = ("core/", "esp/", "hal/", "main/")
_TOOLCHAIN: Final = {"sys/time.h", "unistd.h"}
_COMMENT: Final = re.compile(r"#[^\n]*")
_HOMES: Final = {header: component for component, headers in COMPONENTS.items() for header in headers}


def _included() -> set[str]:
    """Return the headers of ESP-IDF that the board and the simulation include."""
    files = [*FIRMWARE.glob("esp/*.*"), *FIRMWARE.glob("main/*.h"), *FIRMWARE.glob("main/*.cpp")]
    names = {one or other for path in files for one, other in _INCLUDE.findall(path.read_text())}
    return {name for name in names if name.endswith(".h") and not name.startswith(_OURS)} - _TOOLCHAIN


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _from_registry(version: str) -> set[str]:
    """Return what idf_component.yml adds to a build with a version of ESP-IDF."""
    manifest = yaml.safe_load((FIRMWARE / "main" / "idf_component.yml").read_text())
    added = set()
    for name, dependency in manifest["dependencies"].items():
        if name == "idf":
            continue
        conditions = [rule["if"] for rule in dependency.get("rules", [])]
        since = [re.fullmatch(r"idf_version >=(\d+\.\d+)", condition) for condition in conditions]
        if all(rule is not None and _numbers(version) >= _numbers(rule[1]) for rule in since):
            added.add(name)
    return added


def test_every_header_that_is_included_belongs_to_a_component() -> None:
    assert sorted(_included() - _HOMES.keys() - GENERATED) == []
    stubs = {header for version in esp_idf.VERSIONS for header in esp_idf.headers(version)}
    assert sorted(stubs - _HOMES.keys() - GENERATED) == []
    assert sorted(_HOMES.keys() - _included() - stubs) == [], "the table has no more than is used"


@pytest.mark.parametrize("version", esp_idf.VERSIONS)
def test_each_version_has_every_component_or_gets_it_from_the_registry(version: str) -> None:
    used = {_HOMES[header] for header in _included() - GENERATED}
    gone = {
        name for component, (since, name) in MOVED_OUT.items()
        if component in used and _numbers(version) >= _numbers(since)
    }  # fmt: skip
    assert _from_registry(version) == gone


def test_main_names_no_component_that_it_requires_so_that_it_gets_all_of_them() -> None:
    component = _COMMENT.sub("", (FIRMWARE / "main" / "CMakeLists.txt").read_text())
    assert "idf_component_register(" in component
    assert not re.search(r"\b(PRIV_)?REQUIRES\b", component)
    project = _COMMENT.sub("", (FIRMWARE / "idf" / "CMakeLists.txt").read_text())
    assert "/../main)" in project, "a component is called as its folder; only `main` gets all of them"
    assert not re.search(r"set\((COMPONENTS|COMPONENT_DIRS|EXCLUDE_COMPONENTS)\b|MINIMAL_BUILD", project)
