"""What every endpoint stands on, made once per application."""

from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from edge_worker.curation import Curation
from edge_worker.history import History
from edge_worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """Settings, the database, and when we started (aware)."""

    settings: Settings
    history: History
    started_at: datetime
    curation: Curation


def services() -> Services:
    """Return the services of the application that answers this request."""
    found: Services = current_app.extensions["stetho"]
    return found
