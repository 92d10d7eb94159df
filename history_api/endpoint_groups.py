"""Groups of endpoints: the modules that answer them, and the tag by which clients and readers find them."""

from types import ModuleType
from typing import Final, NamedTuple

from history_api.access import login
from history_api.dashboard import (
    agreement_page,
    assets,
    device_pages,
    docs_page,
    notification_page,
    pages,
    record_page,
    subject_pages,
)
from history_api.devices import assigned_subject, commands, device_settings, devices
from history_api.live import event_stream
from history_api.models import label_words, models
from history_api.monitoring import health, metrics, notifications, upkeep
from history_api.openapi.operation import Paths
from history_api.pictures import charts, occlusion_map, recording_pictures
from history_api.profiles import profiles
from history_api.reports import fhir, fhir_export, reports
from history_api.results import (
    agreement,
    exams,
    export,
    recordings,
    results,
    reviews,
    timelines,
    visualizations,
)
from history_api.subjects import recording_subject, subject_export, subject_list, subjects
from history_api.training import corrections, retraining, training_data
from history_api.uploads import legacy_upload, uploads


class Group(NamedTuple):
    """Endpoints that belong together."""

    tag: str
    description: str
    modules: tuple[ModuleType, ...]
    """Each with a `blueprint`, the `PATHS` that it answers, and further `SCHEMAS` where it needs some."""

    def paths(self) -> Paths:
        """Return the operations of the group, with its tag."""
        return tagged(
            {path: item for module in self.modules for path, item in module.PATHS.items()}, self.tag
        )


SITE: Final = "Site"
GROUPS: Final = (
    Group(
        "Results",
        "results, exams and reviews",
        (results, recordings, exams, reviews, agreement, timelines, export),
    ),
    Group(
        "Subjects",
        "all that is stored of one person or animal",
        (subject_list, subjects, subject_export, recording_subject, assigned_subject),
    ),
    Group("Uploads", "sound that becomes a recording", (uploads, legacy_upload)),
    Group("Live", "results, sound and states as they occur", (event_stream,)),
    Group("Devices", "stethoscopes, their settings and commands", (devices, device_settings, commands)),
    Group("Reports", "PDF to print, and FHIR", (reports, fhir, fhir_export)),
    Group(
        "Pictures", "of a recording, and of many", (recording_pictures, occlusion_map, visualizations, charts)
    ),
    Group("Models", "what the models are, and what their labels mean", (models, label_words)),
    Group("Training", "labelled sound, and retraining", (training_data, retraining, corrections)),
    Group(SITE, "whether all is well", (health, metrics, upkeep, notifications)),
    Group("Access", "who asks, and sessions of browsers", (login,)),
    Group("Older systems", "clients of five older systems, as they are", (profiles,)),
    Group(
        "Pages",
        "for people, in a browser",
        (
            pages,
            device_pages,
            record_page,
            subject_pages,
            agreement_page,
            notification_page,
            docs_page,
            assets,
        ),
    ),
)


def tagged(paths: Paths, tag: str) -> Paths:
    """Return `paths` with a tag on each operation."""
    return {
        path: {method: {"tags": [tag]} | described for method, described in item.items()}
        for path, item in paths.items()
    }
