"""`stetho demo`: broker, worker and history API on this machine, and a simulated stethoscope that records."""

import argparse
import os
import shlex
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from edge_worker.errors import AudioError, SettingsError
from edge_worker.own_command import stetho
from simulator.command.argument import DISCLAIMER
from simulator.command.demo_device import DEVICE_ID, DemoDevice, say
from simulator.site.process import ProcessError
from simulator.site.site import Site

if TYPE_CHECKING:
    from simulator.command.argument import Commands

_BPM: Final = 72
_SECONDS: Final = 8.0
_RATE_HZ: Final = 44_100
_STREAM_S: Final = 10
_USUAL_PORT: Final = "8080"
_EXAMPLES: Final = """examples:
  stetho demo                       a heart without and with murmur, then serve until Ctrl-C
  stetho demo heart.wav other.flac  these files
  stetho demo -v                    print the whole results, as JSON
  stetho demo --keep site           keep what was recorded in this directory, and go on with it the next time
  stetho demo --firmware            the device is the firmware itself, with pictures of its display
  DEMO_ONCE=1 stetho demo           stop after the results
"""


@dataclass(frozen=True, slots=True)
class DemoSound:
    """File to play, with a title."""

    title: str
    path: Path


def add_demo(commands: "Commands") -> None:
    """Add the command that runs the demo."""
    parser = commands.add_parser(
        "demo",
        help="run everything on this machine and record a heart",
        description="Start broker, worker and history API on this machine; play sounds as a device.",
        epilog=f"{_EXAMPLES}\n{DISCLAIMER}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="*", metavar="FILE", help="audio to send (default: synthesised)")
    parser.add_argument("-v", "--verbose", action="store_true", help="print each result as JSON, too")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="directory that keeps the data (default: it is deleted)"
    )
    parser.add_argument(
        "--firmware",
        action="store_true",
        help="use the firmware of the stethoscope as the device (needs a checkout)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo and return 0 when every sound got its result."""
    sounds = [DemoSound(path.name, path) for path in _audio_files(args.files)]
    program = _build_firmware() if args.firmware else None
    with _directory(args.keep) as directory, Site(directory) as site:
        print("Stetho Edge: research and education, not a medical device\n", flush=True)
        dashboard = _start_api(site)
        say("dashboard", f"{dashboard}/")
        ready = site.start_worker().wait_for(r'event=ready models=(\S+) runtime="([^"]+)"')
        say("worker", f"{ready.group(1).replace(',', ', ')} on {ready.group(2)}")
        say("broker", f"{site.broker.host}:{site.broker.port}")
        device = DemoDevice(site, dashboard, is_verbose=args.verbose)
        sounds = sounds or _synthesised(directory)
        failures = _play(device, sounds, program)
        print()
        if args.keep:
            again = f"STETHO_DATA_DIR={shlex.quote(str(site.data_dir))} STETHO_API_AUTH=none {stetho('api')}"
            say("kept", f"{directory}; to look at it again:\n  {again}")
        if os.environ.get("DEMO_ONCE"):
            say("dashboard", f"{dashboard}/   ends now, with DEMO_ONCE")
        else:
            _serve(site, device, dashboard, sounds[0].path)
    return 1 if failures else 0


def _audio_files(words: Sequence[str]) -> list[Path]:
    """Return the files that the words name, each of which can be played.

    `make demo ARGS="heart one.wav"` hands over two words for one name, which are joined again.

    Raises:
        AudioError: one of them is not audio.
    """
    paths: list[Path] = []
    left = list(words)
    while left:
        ends = range(1, len(left) + 1)
        count = next((end for end in ends if Path(" ".join(left[:end])).exists()), 1)
        paths.append(Path(" ".join(left[:count])))
        del left[:count]
    for path in paths:
        _require_audio(path)
    return paths


def _require_audio(path: Path) -> None:
    from simulator.sound import sound_file  # noqa: PLC0415 - numpy takes a while, and --help is quick

    if not len(sound_file.read(path).pcm):
        raise AudioError(f"{path} holds no sound; name an audio file")


def _build_firmware() -> Path:
    from simulator.site import firmware  # noqa: PLC0415 - as above

    return firmware.build()


@contextmanager
def _directory(kept: Path | None) -> Iterator[Path]:
    """Yield the directory of the site: the one to keep, else one that is deleted at the end."""
    if kept is None:
        with tempfile.TemporaryDirectory(prefix="stetho-demo-") as name:
            yield Path(name)
        return
    try:
        kept.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=kept).close()
    except OSError as error:
        raise SettingsError(
            f"--keep {kept} cannot be written ({error.strerror}); name another one"
        ) from error
    yield kept.absolute()


def _start_api(site: Site) -> str:
    """Start the API on its usual port, on another one where another program has that."""
    try:
        return site.start_api({"STETHO_API_PORT": _USUAL_PORT})
    except ProcessError:
        return site.start_api()


def _synthesised(directory: Path) -> list[DemoSound]:
    from simulator.sound.heart_sound import heart_sound  # noqa: PLC0415 - as above
    from simulator.sound.sound_file import from_samples, write  # noqa: PLC0415

    sounds = []
    for finding in ("normal", "murmur"):
        path = directory / f"{finding}.wav"
        heart = heart_sound(finding, _BPM, _SECONDS, _RATE_HZ, 0)
        write(path, from_samples(heart.samples, heart.sample_rate))
        sounds.append(DemoSound(f"synthesised heart, {_BPM} bpm, {finding}", path))
    return sounds


def _play(device: DemoDevice, sounds: Sequence[DemoSound], program: Path | None) -> list[DemoSound]:
    """Play every sound; return those that got no result."""
    failures = []
    for sound in sounds:
        print(f"\n{sound.title}", flush=True)
        is_ok = (
            device.send(sound.path) if program is None else device.record_with_firmware(sound.path, program)
        )
        failures += [] if is_ok else [sound]
    if program is None:
        print(f"\n{sounds[0].title}, as a stream of {_STREAM_S} s", flush=True)
        failures += [] if device.stream(sounds[0].path, _STREAM_S) else [sounds[0]]
    return failures


def _serve(site: Site, device: DemoDevice, dashboard: str, sound: Path) -> None:
    """Say what can be done now, and serve until Ctrl-C."""
    where = f"--device {DEVICE_ID} --port {site.broker.port} --password {device.account.password}"
    say("send", stetho(f"send {shlex.quote(str(sound.resolve()))} {where}"))
    if shutil.which("mosquitto_sub"):
        say("listen", _subscription(site))
    say("look up", f"{dashboard}/api/v1/results")
    print("\nServing until Ctrl-C.", flush=True)
    say("dashboard", f"{dashboard}/")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("\nstopping")


def _subscription(site: Site) -> str:
    account = site.operator
    where = f"-h {site.broker.host} -p {site.broker.port} -u {account.username} -P {account.password}"
    return f"mosquitto_sub {where} -i {account.username} -t 'stetho/v1/result/#' -v"
