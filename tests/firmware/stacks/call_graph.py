"""Call graph of the firmware with its frames, from the files that GCC writes with `-fcallgraph-info=su`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from idf_calls import PER_CALL, depth_of

POINTERS: Final = {
    "core/storage/settings.cpp:read": r"<lambda",
    "core/storage/settings.cpp:write": r"<lambda",
    "esp/mqtt_connection.cpp:acknowledged": r"EspMqttClient::acknowledged",
    "bits/predefined_ops.h:": r"\{anonymous\}::is_\w+\(char\)",
}
"""Calls through a pointer to a function, by the end of their file and the name that is called: a pattern of
what they may reach. Other indirect calls are of virtual functions, and may reach each one of that name."""
_NODE: Final = re.compile(r'node: \{ title: "(.*?)" label: "(.*?)\\n([^\\"]*)(?:\\n(\d+) bytes \((\w+))?')
_EDGE: Final = re.compile(r'edge: \{ sourcename: "(.*?)" targetname: "(.*?)"(?: label: "(.*?)")?')
_UNKNOWN: Final = "? "  # begins what is called instead of a function that is not known


@dataclass
class Function:
    """One function of ours: what it is called, where it is, its frame, and what it calls."""

    label: str
    place: str
    frame: int
    is_static: bool  # its frame does not grow with its data
    calls: set[str] = field(default_factory=set)

    @cached_property
    def name(self) -> str:
        """Its bare name, such as `publish`."""
        found = re.search(r"(~?\w+)\(", re.sub(r"<[^<>]*>", "", self.label))
        return found[1] if found else self.label

    @property
    def is_virtual(self) -> bool:
        """Whether it may be reached by the name of a function that it overrides."""
        return self.label.startswith("virtual ")


class CallGraph:
    """Functions of one image, and how deep each gets."""

    def __init__(self, sources: Path, folders: list[Path]) -> None:
        self._sources = sources
        self._depths: dict[str, tuple[int, list[str]]] = {}
        self._short: dict[str, str] = {}
        self.functions: dict[str, Function] = {}
        edges = [
            edge for folder in folders for path in sorted(folder.glob("*.ci")) for edge in self._read(path)
        ]
        for source, target, place in edges:
            self.functions[source].calls |= self._targets(target, place)

    def find(self, place: str, pattern: str) -> list[str]:
        """Return the functions whose file begins with `place` and whose label contains `pattern`."""
        return [
            title
            for title, function in self.functions.items()
            if function.place.removeprefix("./").startswith(place) and re.search(pattern, function.label)
        ]

    def depth(self, title: str, above: tuple[str, ...] = ()) -> tuple[int, list[str]]:
        """Return the bytes of stack that a call of a function takes at most, and the calls that get there."""
        if title in above:
            raise SystemExit(f"no depth is known of what calls itself: {' → '.join((*above, title))}")
        if title.startswith(_UNKNOWN):
            raise SystemExit(f"{title} by a pointer: say in call_graph.py what that reaches")
        if title not in self.functions:
            return depth_of(title) + PER_CALL, [title]
        if title not in self._depths:
            function = self.functions[title]
            if not function.is_static:
                raise SystemExit(f"the stack of {function.label} grows with its data")
            below = (self.depth(callee, (*above, title)) for callee in sorted(function.calls))
            most, path = max(below, default=(0, []))
            self._depths[title] = (function.frame + PER_CALL + most, [function.name, *path])
        return self._depths[title]

    def _read(self, path: Path) -> Iterator[tuple[str, str, str]]:
        for line in path.read_text().splitlines():
            if edge := _EDGE.match(line):
                yield edge[1], edge[2], edge[3] or ""
            elif (node := _NODE.match(line)) and node[4]:
                self.functions[node[1]] = Function(node[2], node[3], int(node[4]), node[5] == "static")
                self._short.setdefault(node[1].rsplit(":", 1)[-1], node[1])

    def _targets(self, target: str, place: str) -> set[str]:
        if target == "__indirect_call":
            return set(self._reached_from(place))
        constructor = re.sub(r"([CD])1E", r"\g<1>2E", target)  # GCC's other name of the same code
        names = (target, self._short.get(target, ""), self._short.get(constructor, ""))
        return {next((name for name in names if name in self.functions), target)}

    def _reached_from(self, place: str) -> list[str]:
        file, line, column = place.rsplit(":", 2)
        called = ""
        if not file.startswith("/"):
            text = (self._sources / file).read_text().splitlines()[int(line) - 1][: int(column) - 1]
            called = re.findall(r"\w*$", text)[0]
        patterns = [pattern for key, pattern in POINTERS.items() if f"{file}:{called}".endswith(key)]
        if patterns:
            found = self.find("", patterns[0])
        else:
            found = [title for title, one in self.functions.items() if one.is_virtual and one.name == called]
        return found or [f"{_UNKNOWN}{place} calls '{called}'"]
