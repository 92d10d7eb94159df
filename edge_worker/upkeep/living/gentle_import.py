"""Gentle import: what a process of a cluster imports as it starts, others' work goes before.

They serve the devices of the one that ended. Imports are nine tenths of what a start costs: up to three
seconds of a core that is busy anyway, for which results waited.
"""

import contextlib
import importlib
import os
import sys
import threading
from typing import Final

_NICE: Final = 10
"""Of Linux: a tenth of the processor time that another thread gets, where there is not enough for both."""


def import_gently(module: str) -> None:
    """Import a module at low priority, on a thread that ends with it: a priority cannot be raised again.

    Whoever imports it next learns what is wrong with it.
    """

    def work() -> None:
        with contextlib.suppress(Exception):
            own = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, own, max(_NICE, os.getpriority(os.PRIO_PROCESS, own)))
            importlib.import_module(module)

    if sys.platform != "linux":  # elsewhere it would be the priority of the whole process
        return
    thread = threading.Thread(target=work, name="gentle-import")
    thread.start()
    thread.join()
