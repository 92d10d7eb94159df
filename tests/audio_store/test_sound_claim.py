"""The claim of a store of sounds: one site, one place, in directories and in a bucket."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge_worker.audio_store.opening import open_audio
from edge_worker.audio_store.sound import OWNER, sound_name
from edge_worker.database.site_state.sound_claim import SoundClaim
from edge_worker.database.store import Store
from edge_worker.errors import AudioOwnerError
from edge_worker.settings import Settings
from edge_worker.upkeep import migrate_audio

pytest_plugins = ["store_fixtures", "object_fixtures"]
pytestmark = pytest.mark.usefixtures("at_server")
NAME = sound_name("st-01", "00000000000000aa")


def claim(database: str, directory: Path, bucket: str = "") -> str:
    """Claim the sounds as a worker does that starts; return where they are, or the refusal."""
    settings = Settings(data_dir=directory, database_url=database, audio_url=bucket)
    audio = open_audio(settings)
    try:
        return SoundClaim(settings, audio).check()
    except AudioOwnerError as error:
        with pytest.raises(AudioOwnerError):  # what looks and changes nothing says so, too
            SoundClaim(settings, audio).require()
        return str(error)


def test_a_second_machine_without_the_sounds_of_the_first_is_refused(
    url: str, store: Store, tmp_path: Path
) -> None:
    one, two, shared = tmp_path / "one", tmp_path / "two", tmp_path / "shared"
    assert claim(url, one) == f"in {one}/audio"
    assert "its workers need one place for them, a bucket (STETHO_AUDIO_URL)" in claim(url, two)
    assert claim(url, one) == f"in {one}/audio"

    # The directory of the first is mounted at the second, or a link leads there.
    (one / "audio").rename(shared)
    for machine in (one, two):
        machine.mkdir(exist_ok=True)
        (machine / "audio").symlink_to(shared)
        assert claim(url, machine) == f"in {machine}/audio"
    stored = open_audio(Settings(data_dir=two))
    stored.write(NAME, [b"sound"], 5)
    assert open_audio(Settings(data_dir=one)).find(NAME)

    # Where they are lost, the sentence says what to write.
    refusal = claim(url, tmp_path / "new")
    mark = refusal.partition("write ")[2].partition(" into site.txt")[0]
    (tmp_path / "new/audio").mkdir(parents=True)
    (tmp_path / "new" / OWNER).write_text(mark)
    assert claim(url, tmp_path / "new") == f"in {tmp_path}/new/audio"


def test_processes_that_start_at_once_claim_it_together(url: str, store: Store, tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        said = set(threads.map(lambda _: claim(url, tmp_path), range(16)))
    assert said == {f"in {tmp_path}/audio"}


def test_a_worker_with_another_url_is_refused_until_the_sounds_are_moved(
    url: str, store: Store, tmp_path: Path
) -> None:
    place = f"s3://sounds/{tmp_path.name}"
    assert claim(url, tmp_path) == f"in {tmp_path}/audio"
    refusal = claim(url, tmp_path, place)
    assert refusal.startswith("the sounds of this site are in a directory, not in s3://sounds/")
    assert f"migrate-audio --from DIRECTORY --to {place}`" in refusal

    assert migrate_audio.main(["--from", str(tmp_path), "--to", place]) == 0
    assert claim(url, tmp_path, place).startswith(f"in {place} at ")
    # One that was not told of the move.
    assert f"the sounds of this site are in {place}, not in {tmp_path}/audio" in claim(url, tmp_path)
    assert claim(url, tmp_path, place).startswith(f"in {place} at ")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_two_sites_do_not_share_a_prefix(store: Store, url: str, tmp_path: Path) -> None:
    place, other = f"s3://sounds/{tmp_path.name}", tmp_path / "other"
    other.mkdir()
    (other / "stetho.db").write_bytes((tmp_path / "stetho.db").read_bytes())
    assert claim(url, tmp_path, place).startswith("in ")
    refusal = claim(f"sqlite:///{other}/stetho.db", other, place)
    assert "has the sounds of another site" in refusal
    assert "\n" not in refusal
    assert claim(f"sqlite:///{other}/stetho.db", other, f"{place}-2").startswith("in ")


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_whole_site_in_one_directory_may_lose_its_mark_or_its_database(
    store: Store, url: str, tmp_path: Path
) -> None:
    assert claim("", tmp_path) == f"in {tmp_path}/audio"
    mark = (tmp_path / OWNER).read_text()
    (tmp_path / OWNER).unlink()
    assert claim("", tmp_path) == f"in {tmp_path}/audio"
    assert (tmp_path / OWNER).read_text() == mark
    store.close()
    (tmp_path / "stetho.db").unlink()
    Store.open(url).close()
    assert claim("", tmp_path) == f"in {tmp_path}/audio"
    assert (tmp_path / OWNER).read_text() == mark
    # Its sounds come into a bucket, and a backup of it is started without that.
    place = f"s3://sounds/{tmp_path.name}"
    assert migrate_audio.main(["--from", str(tmp_path), "--to", place]) == 0
    assert claim("", tmp_path, place).startswith("in ")
    (tmp_path / OWNER).unlink()
    assert f"the sounds of this site are in {place}, not in {tmp_path}" in claim("", tmp_path)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_claimed_store_that_is_exchanged_while_a_worker_runs_takes_no_more(
    store: Store, url: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=url)
    running = SoundClaim(settings, open_audio(settings))
    running.check()
    (tmp_path / "audio").rename(tmp_path / "unmounted")
    with pytest.raises(AudioOwnerError, match="that each machine has mounted there"):
        running.check()
    (tmp_path / "unmounted").rename(tmp_path / "audio")
    assert running.check() == f"in {tmp_path}/audio"
