"""One proof: devices record while parts of the cluster are killed and stopped; then everything is counted."""

import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from bench.cluster.audit import Audit, audit
from bench.cluster.cluster import Cluster, Kind, Store
from bench.cluster.faults import Happened, happen
from bench.cluster.sent import Sent, Waits
from bench.cluster.sounds import not_given
from bench.cluster.ward import Ward

_SETTLE_S: Final = 240.0
_TOLD_S: Final = 60.0
_QUIET_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done; times in seconds."""

    seconds: float
    every_s: float
    """Between two faults, on average."""
    faults: Sequence[str]
    """Their names."""
    devices: int
    streams: int
    record_every_s: float
    processes: int
    """Of each worker."""
    broker: Kind
    store: Store
    seed: int


@dataclass(frozen=True, slots=True)
class Blow:
    """All faults of a kind, and the longest that a device waited for an answer since one of them."""

    fault: str
    times: int
    worst_wait_s: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it."""

    directory: Path
    """Where the cluster lived."""
    counts: Audit
    untold: int
    """Results that the live stream of the API did not tell, or told twice."""
    waits: Waits | None
    blows: list[Blow]
    ends: int
    """How often a whole worker ended by itself."""
    is_settled: bool
    """Whether each device knows that all is stored."""

    @property
    def is_survived(self) -> bool:
        """Whether nothing was lost."""
        return self.is_settled and self.counts.is_clean and not self.untold and not self.ends

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self), "directory": str(self.directory), "survived": self.is_survived}


def prove(plan: Plan, bar: "tqdm[Any]") -> Outcome:
    """Run a cluster of its own through the plan; `bar` shows what goes on.

    Its directory, logs and all, stays where something was lost.
    """
    directory = Path(tempfile.mkdtemp(prefix="stetho-cluster-"))
    directory.chmod(0o755)  # PostgreSQL runs as another user
    outcome = _run(plan, bar, directory)
    if outcome.is_survived:
        shutil.rmtree(directory, ignore_errors=True)
    return outcome


def _run(plan: Plan, bar: "tqdm[Any]", directory: Path) -> Outcome:
    bar.set_description("starting")
    with Cluster(directory, plan.broker, plan.store, plan.processes) as cluster:
        ward = Ward(
            cluster.site,
            cluster.address,
            devices=plan.devices,
            streams=plan.streams,
            every_s=plan.record_every_s,
            chance=random.Random(plan.seed + 1),
        )
        ward.start()
        try:
            cluster.wait(_QUIET_S)
            happened = happen(
                cluster,
                plan.faults,
                plan.seconds,
                plan.every_s,
                chance=random.Random(plan.seed),
                bar=bar,
            )
            bar.set_description("waiting for the last results")
            ward.rest()
            is_settled = ward.settle(_SETTLE_S, cluster.wait)
            names = {(each.device_id, each.delivery.name) for each in ward.sent}
            untold = cluster.live.untold(names, _TOLD_S)
            missing_sounds = not_given(cluster.live.url, ward.sent)
        finally:
            ward.stop()
        counts = audit(cluster.database.url, ward.sent, ward.different_results(), missing_sounds)
        ends = sum(group.ends for group in cluster.groups)
    waits, blows = Waits.of(ward.sent), _blows(happened, ward.sent)
    return Outcome(directory, counts, untold, waits, blows, ends, is_settled)


def _blows(happened: Sequence[Happened], sent: Sequence[Sent]) -> list[Blow]:
    worst: dict[str, list[float]] = {}
    for each in happened:
        waits = (one.waited_between(each.began_at, each.ended_at) for one in sent)
        worst.setdefault(each.name, []).append(max(waits, default=0.0))
    return [Blow(name, len(waits), round(max(waits), 2)) for name, waits in sorted(worst.items())]
