"""One case: neighbours record, something goes wrong beside them, and what they sent is counted."""

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from bench.chaos.audit import Audit, audit
from bench.chaos.faults import FAULTS, Fault
from bench.chaos.floods import FLOODS, Flood
from bench.chaos.hostile_device import HostileDevice
from bench.chaos.neighbours import Neighbours
from bench.chaos.site_control import SiteControl

NEIGHBOURS: Final = 2
_SETTLE_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the parts of a case take, seconds, and the seed of what is random in it."""

    before_s: float
    flood_s: float
    after_s: float
    seed: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a site and of its neighbours in one case."""

    name: str
    kind: str
    counts: Audit
    ms_before: float | None
    """Median time from last chunk to `stored` before, milliseconds."""
    ms_during: float | None
    ends: int
    """How often the worker ended by itself."""
    peak_mb: float
    is_settled: bool
    """Whether each neighbour's recording had its result in the end, and the worker was ready."""

    @property
    def ratio(self) -> float | None:
        """How many times as long a neighbour waited."""
        return self.ms_during / self.ms_before if self.ms_before and self.ms_during is not None else None

    @property
    def is_survived(self) -> bool:
        """Whether nothing was lost, doubled or corrupted, and no process ended by itself."""
        counts = self.counts
        return self.is_settled and not (counts.lost or counts.doubled or counts.corrupted or self.ends)

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        ratio = None if self.ratio is None else round(self.ratio, 2)
        return {**asdict(self), "latency_ratio": ratio, "survived": self.is_survived}


def cases() -> dict[str, tuple[str, Fault | Flood]]:
    """Return kind and action of all cases, by name."""
    named: dict[str, tuple[str, Fault | Flood]] = {each.__name__: ("fault", each) for each in FAULTS}
    return named | {each.__name__: ("flood", each) for each in FLOODS}


def run(name: str, plan: Plan) -> Outcome:
    """Run one case on a fresh site, and return what became of it."""
    kind, action = cases()[name]
    with (
        tempfile.TemporaryDirectory(prefix="stetho-chaos-") as directory,
        SiteControl(Path(directory)) as site,
    ):
        neighbours = Neighbours(site, NEIGHBOURS, plan.seed)
        with HostileDevice(site, plan.seed) as device:
            neighbours.start()
            try:
                began = _rest(plan.before_s)
                ended = _act(kind, action, site, device, plan)
                neighbours.rest()
                is_settled = neighbours.settle(_SETTLE_S) and site.is_ready()
            finally:
                neighbours.stop()
        return Outcome(
            name,
            kind,
            audit(site.data_dir, neighbours.sent),
            neighbours.latency_ms(0, began),
            neighbours.latency_ms(began, ended),
            site.ends,
            round(site.peak_mb, 1),
            is_settled,
        )


def _rest(seconds: float) -> float:
    """Wait; return the time."""
    time.sleep(seconds)
    return time.monotonic()


def _act(
    kind: str, action: Callable[..., None], site: SiteControl, device: HostileDevice, plan: Plan
) -> float:
    """Do what the case does; return when it was over."""
    if kind == "fault":
        action(site, device)
        return _rest(plan.after_s)
    attack = threading.Thread(target=action, args=(device,), name="attack")
    attack.start()
    time.sleep(plan.flood_s)
    device.end()
    over = time.monotonic()
    attack.join()
    _rest(plan.after_s)
    return over
