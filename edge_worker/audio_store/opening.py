"""The store of sounds that the settings name."""

from pathlib import Path

from edge_worker.audio_store.audio_directory import AudioDirectory
from edge_worker.audio_store.audio_store import AudioStore
from edge_worker.errors import SettingsError
from edge_worker.own_command import pip_install
from edge_worker.settings import Settings


def open_audio(settings: Settings) -> AudioStore:
    """Return the store of sounds of a site; of one in a network nothing is asked yet.

    Raises:
        SettingsError: the settings cannot be those of a store.
    """
    return audio_at(settings.audio_url, settings.read_password("audio_secret_file"), settings.data_dir)


def audio_at(url: str, secret: str, directory: Path) -> AudioStore:
    """Return the store at `url`, `s3://…`, or where that is empty in `directory`; raises SettingsError.

    `secret` is the secret access key; where it is empty, the environment has it.
    """
    if not url:
        return AudioDirectory(directory)
    try:
        from edge_worker.audio_store.bucket_address import open_bucket  # noqa: PLC0415 - obstore is optional
    except ModuleNotFoundError as error:
        raise SettingsError(f"STETHO_AUDIO_URL needs obstore: {pip_install('s3')}") from error
    return open_bucket(url, secret)
