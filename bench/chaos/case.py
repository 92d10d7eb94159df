"""One case: neighbours record, something goes wrong beside them, and what they sent is counted."""

import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.chaos.audit import Audit, audit
from bench.chaos.clocks import CLOCKS, ClockCase
from bench.chaos.clocks import SETTINGS as CLOCK_SETTINGS
from bench.chaos.faults import FAULTS, Fault
from bench.chaos.floods import FLOODS, Flood
from bench.chaos.hostile_device import HostileDevice
from bench.chaos.http_attacks import HTTP_ATTACKS, HttpAttack, Livez
from bench.chaos.live_results import LiveResults
from bench.chaos.neighbours import Neighbours
from bench.chaos.site_control import SiteControl
from bench.chaos.wall_clock import WallClock

NEIGHBOURS: Final = 2
MOST_LIVEZ_MS: Final = 5000.0
"""`/livez` answers within this: a supervisor waits no longer."""
Action = Fault | Flood | HttpAttack | ClockCase
_SETTLE_S: Final = 90.0
_TOLD_S: Final = 15.0
"""The live stream tells a result so soon."""


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
    """The same during the case."""
    livez_ms: float | None
    """Slowest answer of `/livez` during an attack on the API, milliseconds; None: another kind of case."""
    ends: int
    """How often the worker ended by itself."""
    peak_mb: float
    untold: int | None
    """Results that the live stream did not tell, in cases of wrong clocks; None: another kind of case."""
    is_settled: bool
    """Whether each neighbour's recording had its result in the end, and the worker was ready."""

    @property
    def ratio(self) -> float | None:
        """How many times as long a neighbour waited."""
        return self.ms_during / self.ms_before if self.ms_before and self.ms_during is not None else None

    @property
    def is_survived(self) -> bool:
        """Whether nothing was lost, doubled or corrupted, no worker ended by itself, and the API answered."""
        counts = self.counts
        is_alive = self.livez_ms is None or self.livez_ms < MOST_LIVEZ_MS
        is_whole = not (counts.lost or counts.doubled or counts.corrupted or self.ends or self.untold)
        return self.is_settled and is_alive and is_whole

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        ratio = None if self.ratio is None else round(self.ratio, 2)
        return {**asdict(self), "latency_ratio": ratio, "survived": self.is_survived}


def cases() -> dict[str, tuple[str, Action]]:
    """Return kind and action of all cases, by name."""
    kinds: dict[str, tuple[Action, ...]] = {
        "fault": FAULTS,
        "clock": CLOCKS,
        "flood": FLOODS,
        "http": HTTP_ATTACKS,
    }
    return {each.__name__: (kind, each) for kind, actions in kinds.items() for each in actions}


def run(name: str, plan: Plan) -> Outcome:
    """Run one case on a fresh site, and return what became of it."""
    kind, action = cases()[name]
    call: Callable[..., object] = action
    with tempfile.TemporaryDirectory(prefix="stetho-chaos-") as directory, ExitStack() as stack:
        clock = WallClock(Path(directory) / "clock") if kind == "clock" else None
        settings = {} if clock is None else {**CLOCK_SETTINGS, **clock.environ}
        site = stack.enter_context(SiteControl(Path(directory), settings))
        device = stack.enter_context(HostileDevice(site, plan.seed))
        neighbours = Neighbours(site, NEIGHBOURS, plan.seed)
        live = None if clock is None else stack.enter_context(LiveResults(site.site))
        url = site.site.start_api() if kind == "http" else None
        livez = None if url is None else Livez(url)
        arguments = {
            "fault": (site, device),
            "clock": (site, clock, live),
            "flood": (device,),
            "http": (url, device),
        }
        neighbours.start()
        try:
            began = _rest(plan.before_s)
            ended = _act(partial(call, *arguments[kind]), kind, device, plan)
            neighbours.rest()
            is_settled = neighbours.settle(_SETTLE_S) and site.is_ready()
            names = {(each.device_id, each.delivery.name) for each in neighbours.sent}
            untold = None if live is None else live.untold(names, _TOLD_S)
        finally:
            neighbours.stop()
            if livez is not None:
                livez.stop()
        return Outcome(
            name,
            kind,
            audit(site.data_dir, neighbours.sent),
            neighbours.latency_ms(0, began),
            neighbours.latency_ms(began, ended),
            None if livez is None else livez.slowest_ms(began, ended),
            site.ends,
            round(site.peak_mb, 1),
            untold,
            is_settled,
        )


def _rest(seconds: float) -> float:
    """Wait; return the time."""
    time.sleep(seconds)
    return time.monotonic()


def _act(action: Callable[[], object], kind: str, device: HostileDevice, plan: Plan) -> float:
    """Do what the case does, then wait; return when it was over."""
    if kind in ("fault", "clock"):
        action()
        return _rest(plan.after_s)
    attack = threading.Thread(target=action, name="attack")
    attack.start()
    over = _rest(plan.flood_s)
    device.end()
    attack.join()
    _rest(plan.after_s)
    return over
