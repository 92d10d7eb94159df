"""The rules in force: those of the file, read again when it changes; of a wrong one the old ones stay."""

import contextlib
import logging
from pathlib import Path
from typing import Final

from edge_worker.errors import ModelError, SettingsError
from edge_worker.inference.model_registry import ModelRegistry
from edge_worker.notify import rules_file
from edge_worker.notify.rule import Rules
from edge_worker.notify.settings import NotifySettings
from edge_worker.telemetry.logfmt import line

_LOG: Final = logging.getLogger(__name__)


class RulesWatch:
    """The rules of one site."""

    def __init__(self, settings: NotifySettings) -> None:
        """Read the rules; raises SettingsError where they are wrong."""
        self._settings = settings
        self._path = settings.rules_path
        self._seen = _state(self._path)
        self.rules: Rules = read(settings)
        self.fault = ""
        """What is wrong in the file now; empty where the rules in force are those of the file."""

    def look(self) -> bool:
        """Read the rules again where the file has changed; return whether anything is new."""
        seen = _state(self._path)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self.rules = read(self._settings)
        except SettingsError as error:
            self.fault = f"{error}; the rules that were read before stay in force"
            _LOG.error(line("rules_refused", reason=error))
        else:
            self.fault = ""
            _LOG.info(line("rules_read", rules=len(self.rules.rules), receivers=len(self.rules.receivers)))
        return True


def read(settings: NotifySettings) -> Rules:
    """Return the rules of a site; raises SettingsError where they are wrong."""
    return rules_file.read(settings.rules_path, _labels(settings))


def _labels(settings: NotifySettings) -> set[str]:
    """Return the labels of all models of this site, in the versions in use and as they were shipped."""
    registry = ModelRegistry.from_settings(settings)
    found: set[str] = set()
    for model in registry.classifiers():
        try:
            versions = {registry.active(model), None}
        except ModelError:
            versions = {None}
        for version in versions:
            found |= registry.meanings(model, version).keys()
            with contextlib.suppress(ModelError, TypeError):
                found |= set(map(str, registry.card(model, version).get("labels", ())))
    return found


def _state(path: Path) -> tuple[int, int, int] | None:
    """Return what differs once the file has changed."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
