"""The worst stack of each task of the firmware: a program for firmware/tests/cross.sh, which compiles them.

It prints a table and fails where less than a quarter of a stack is left.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from call_graph import CallGraph
from idf_calls import ALONE, AT_ENTRY, CONTEXT

FIRMWARE: Final = Path(__file__).parents[3] / "firmware"
LEAST_LEFT: Final = 0.25
_TASK: Final = re.compile(r'Task (k\w+)\{"(\w+)", ([\d\']+),')
_START: Final = re.compile(r"(?:xTaskCreatePinnedToCore|start)\(\s*(\w+),\s*hal::(k\w+Task)\b")


@dataclass
class Task:
    """A task: its stack, and which of our functions run on it, as patterns of their file and label."""

    name: str
    stack: int
    roots: list[tuple[str, str]]


def tasks() -> list[Task]:
    """Return all tasks on which something of ours runs, as the sources say."""
    table = _TASK.findall((FIRMWARE / "hal" / "tasks.h").read_text())
    ours = {key: Task(name, int(size.replace("'", "")), []) for key, name, size in table}
    main = Task("main", _configured("ESP_MAIN_TASK_STACK_SIZE"), [("main/", r"\bapp_main\(\)")])
    events = Task("sys_evt", _configured("ESP_SYSTEM_EVENT_TASK_STACK_SIZE"), [])
    tcpip = Task("tiT", _configured("LWIP_TCPIP_TASK_STACK_SIZE"), [("esp/", r"\(timeval\*\)")])  # SNTP's
    ours["kFormTask"].roots.append(("esp/", r"\(httpd_req_t\*\)"))
    for path in sorted([*FIRMWARE.glob("main/*.cpp"), *FIRMWARE.glob("esp/*.cpp")]):
        text, place = path.read_text(), path.relative_to(FIRMWARE).as_posix()
        for function, key in _START.findall(text):
            ours[key].roots.append((place, rf"\b{function}\(void\*\)"))
        handling = ours["kMqttTask"] if "esp_mqtt_client_register_event(" in text else events
        handling.roots.append((place, r"\(void\*, esp_event_base_t, int32_t, void\*\)"))
    return [*ours.values(), main, events, tcpip]


def _configured(key: str) -> int:
    found = re.search(
        rf"^CONFIG_{key}=(\d+)$", (FIRMWARE / "idf" / "sdkconfig.defaults").read_text(), re.MULTILINE
    )
    if found is None:
        raise SystemExit(f"idf/sdkconfig.defaults does not say CONFIG_{key}")
    return int(found[1])


def worst(task: Task, graph: CallGraph) -> tuple[int, list[str]]:
    """Return the most bytes of stack that a task takes in an image (0: there is none), and its calls."""
    found = [title for place, label in task.roots for title in graph.find(place, label)]
    depths = [(bytes + AT_ENTRY.get(task.name, 0), path) for bytes, path in map(graph.depth, found)]
    most, path = max([*depths, (ALONE.get(task.name, 0), [task.name])])
    return (CONTEXT + most if found else 0), path


def rows(built: Path) -> Iterator[tuple[Task, int, list[str]]]:
    """Yield each task with the larger of its depths on the board and in the simulation."""
    graphs = [CallGraph(FIRMWARE, [built / "core", built / image]) for image in ("board", "simulation")]
    for task in tasks():
        most, path = max(worst(task, graph) for graph in graphs)
        if most == 0:
            raise SystemExit(f"stacks.py finds nothing of ours on the task {task.name}")
        yield task, most, path


def main(built: Path) -> int:
    """Print the table; return 1 if a stack is too small."""
    print("| task | stack | worst case | left | its deepest calls |\n|---|--:|--:|--:|---|")
    status = 0
    for task, most, path in rows(built):
        left = 1 - most / task.stack
        calls = " → ".join(f"`{name}`" for name in path[-3:])
        print(f"| `{task.name}` | {task.stack} | {most} | {left:.0%} | {calls} |")
        if left < LEAST_LEFT:
            print(f"{task.name}: {left:.0%} of the stack is left: {' → '.join(path)}", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
