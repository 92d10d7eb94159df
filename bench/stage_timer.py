"""Processor time of this process by stage."""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class StageTimer:
    """Sums the processor time of this process by stage; a nested stage is not counted in the outer one."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self._open: list[str] = []
        self._since = 0.0

    def timed(self, stage: str, action: Callable[..., T]) -> Callable[..., T]:
        """Return `action` with its processor time added to `stage`."""

        def run(*args: Any, **options: Any) -> T:  # noqa: ANN401 - whatever `action` takes
            self._charge_stage()
            self._open.append(stage)
            try:
                return action(*args, **options)
            finally:
                self._charge_stage()
                self._open.pop()

        return run

    def _charge_stage(self) -> None:
        now = time.process_time()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now
