"""The worst stack of a task is found through calls of every kind, and what has none is refused."""

from pathlib import Path
from typing import Final

import pytest
import toolchain
from call_graph import CallGraph
from idf_calls import PER_CALL, depth_of
from stacks import tasks

_BIG: Final = "volatile char big[{0}]; for (int at = 0; at < {0}; ++at) big[at] = 1;"


def graph_of(directory: Path, source: str) -> CallGraph:
    """Compile `source` for RV32 and return its call graph."""
    toolchain.need("riscv64-unknown-elf-g++")
    (directory / "one.cpp").write_text(source)
    flags = ["-march=rv32imc", "-mabi=ilp32", "-O2", "-std=c++20", "-fno-exceptions", "-fno-rtti"]
    toolchain.run(
        ["riscv64-unknown-elf-g++", *flags, "-fcallgraph-info=su", "-c", "one.cpp", "-o", "one.o"], directory
    )
    return CallGraph(directory, [directory])


def test_a_virtual_call_takes_what_the_deepest_of_its_kind_takes(tmp_path: Path) -> None:
    graph = graph_of(
        tmp_path,
        "struct Storage { virtual ~Storage(); virtual void put(); };\n"
        f"struct Small : Storage {{ void put() override {{ {_BIG.format(16)} }} }} small;\n"
        f"struct Large : Storage {{ void put() override {{ {_BIG.format(800)} }} }} large;\n"
        f"void task(Storage& storage) {{ {_BIG.format(100)}\n"
        "    storage.put();\n"
        "    big[0] = 2; }\n",
    )
    depth, path = graph.depth(graph.find("one.cpp", r"\btask\(")[0])
    assert 900 + 2 * PER_CALL <= depth <= 1_000 + 2 * PER_CALL
    assert path == ["task", "put"]


def test_a_call_of_the_framework_takes_what_its_table_says(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, 'extern "C" int nvs_commit(int);\nint task() { return nvs_commit(1) + 1; }\n')
    depth, path = graph.depth(graph.find("one.cpp", r"\btask\(")[0])
    assert path == ["task", "nvs_commit"]
    assert depth_of("nvs_commit") < depth < depth_of("nvs_commit") + 2 * PER_CALL + 64
    assert depth_of("what_nobody_listed") > 1_000, "it may write to the log"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("int task(int n) { return n < 2 ? 1 : task(n - 1) * task(n / 3); }", "calls itself"),
        ("void use(char*); void task(int n) { use(static_cast<char*>(__builtin_alloca(n))); }", "grows"),
        ('void task(void (*call)()) {\n    call();\n    asm volatile("");\n}', "calls 'call' by a pointer"),
    ],
    ids=["recursion", "alloca", "pointer"],
)
def test_a_stack_without_a_bound_is_refused(tmp_path: Path, source: str, why: str) -> None:
    graph = graph_of(tmp_path, source)
    task = graph.find("one.cpp", r"\btask\(")[0]
    with pytest.raises(SystemExit, match=why):
        graph.depth(task)


def test_every_task_of_the_table_is_started_or_called_into() -> None:
    assert all(task.roots for task in tasks())
    assert {"capture", "application", "display", "main", "sys_evt"} <= {task.name for task in tasks()}
