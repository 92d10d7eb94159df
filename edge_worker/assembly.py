"""Construction of the worker from its settings; every error of the settings is raised before connecting."""

import logging
import time

from edge_worker.analysis.active_adaptations import ActiveAdaptations
from edge_worker.analysis.active_profiles import ActiveProfiles
from edge_worker.analysis.pipeline import Pipeline
from edge_worker.analysis.stream_result import StreamResultWriter
from edge_worker.audio_store.opening import open_audio
from edge_worker.database.adaptation.adaptation_tables import AdaptationTables
from edge_worker.database.device_settings import DeviceSettingsTable
from edge_worker.database.engine import connect_existing
from edge_worker.database.repair.turn import turn_in
from edge_worker.database.sharing.shard_mapping import ShardMapping
from edge_worker.database.site_state.sound_claim import SoundClaim
from edge_worker.database.store import Store
from edge_worker.errors import AudioAwayError, AudioStoreError, BrokerError, StoreError
from edge_worker.inference.loaded_models import LoadedModels, load_segmenter
from edge_worker.inference.model_registry import SEGMENTER, ModelRegistry
from edge_worker.ingest.intake import Intake
from edge_worker.ingest.spool import Spool
from edge_worker.ingest.stream_spool import StreamSpool
from edge_worker.leases.cluster import Cluster
from edge_worker.live.live_analysis import LiveAnalysis
from edge_worker.protocol.sharing.held_shards import ALL_SHARDS, HeldShards
from edge_worker.settings import Settings
from edge_worker.telemetry.live_metrics import LiveMetrics
from edge_worker.telemetry.logfmt import line
from edge_worker.upkeep import nats_probe
from edge_worker.upkeep.disk_reserve import DiskReserve
from edge_worker.worker import Worker
from edge_worker.worker_status import WorkerStatus

_LOG = logging.getLogger(__name__)


def assemble(
    settings: Settings, lock: object, shards: HeldShards = ALL_SHARDS, cluster: Cluster | None = None
) -> Worker:
    """Return a worker of these `shards` that is ready to connect; it holds the `lock` of its site.

    Of a `cluster` it takes its share instead.

    Raises:
        StethoError: a model, a directory or the database is not usable; one sentence says which.
    """
    if settings.broker == "nats" and (problem := nats_probe.fault(settings)):
        raise BrokerError(problem)
    DiskReserve.from_settings(settings).keep(time.monotonic())  # on a full disk, what follows needs its room
    registry = ModelRegistry.from_settings(settings)
    # The default models first, then every other one: a device may ask for it.
    models = LoadedModels(registry, dict.fromkeys((*settings.models, *registry.classifiers())))
    segmenter, damage = load_segmenter(settings.models_dir)
    if damage is not None:
        models.refused[SEGMENTER] = damage
        _LOG.error(line("model_refused", model=SEGMENTER, stays=segmenter.version, reason=damage))
    spool = Spool(settings.data_dir / "spool", shards)
    with turn_in(spool.directory):  # several processes start at once, and one of them makes the tables
        store = Store.open(settings.database, is_ours=not settings.database_url)
    if cluster is not None:
        ShardMapping(settings.database).require()
    database, audio = connect_existing(settings.database), open_audio(settings)
    claim = SoundClaim(settings, audio)
    _claim_sounds(claim)
    profiles = ActiveProfiles(settings, DeviceSettingsTable(database))
    adaptations = ActiveAdaptations(AdaptationTables(database))
    pipeline = Pipeline(
        settings,
        models,
        segmenter,
        spool,
        store,
        refresh=lambda: any([models.refresh(), profiles.refresh(), adaptations.refresh()]),
        profiles=profiles,
        adaptations=adaptations,
        audio=audio,
        check_audio=claim.check,
    )
    return Worker(
        settings,
        intake=Intake(spool, settings, store.received.completeness, store.clock.now),
        store=store,
        pipeline=pipeline,
        streams=StreamResultWriter(settings, StreamSpool(spool.directory, spool.quarantine), store, audio),
        live_analysis=_live_analysis(settings, spool, registry, profiles, adaptations),
        status=WorkerStatus(models, models.refused),
        lock=lock,
        cluster=cluster,
    )


def _claim_sounds(claim: SoundClaim) -> None:
    """Claim the store of sounds; one that only does not answer now is waited for by the storage."""
    try:
        claim.check()
    except (OSError, StoreError) as error:
        if isinstance(error, AudioStoreError) and not isinstance(error, AudioAwayError):
            raise
        _LOG.error(line("audio_away", reason=error))


def _live_analysis(
    settings: Settings,
    spool: Spool,
    registry: ModelRegistry,
    profiles: ActiveProfiles,
    adaptations: ActiveAdaptations,
) -> LiveAnalysis:
    """Return a live analysis with interpreters of its own: they are not for several threads."""
    models = LoadedModels(registry, dict.fromkeys((*settings.models, *registry.classifiers())), is_quiet=True)
    segmenter, _ = load_segmenter(settings.models_dir)
    metrics = LiveMetrics(settings.worker_id)
    return LiveAnalysis(
        settings,
        spool,
        profiles,
        models=models,
        segmenter=segmenter,
        metrics=metrics,
        adaptations=adaptations,
    )
