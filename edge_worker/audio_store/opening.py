"""The store of sounds that the settings name."""

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.settings import Settings


def open_audio(settings: Settings) -> AudioStore:
    """Return the store of sounds of a site."""
    return AudioDirectory(settings.data_dir)
