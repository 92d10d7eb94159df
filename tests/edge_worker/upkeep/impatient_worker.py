"""Worker whose supervisor takes a process for hanging sooner, for a test that waits for it."""

import sys
from typing import Final

from edge_worker.__main__ import main
from edge_worker.upkeep.living import worker_process

SILENT_S: Final = 10.0

if __name__ == "__main__":
    worker_process.SILENT_S = SILENT_S  # type: ignore[misc]
    sys.exit(main())
