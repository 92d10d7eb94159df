"""The main job in front of a person: broker, worker, history, and a stethoscope that plays hearts."""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.account import Credentials
from simulator.command.argument import DISCLAIMER
from simulator.site.process import PACKAGES, ProcessError
from simulator.site.site import Site

DEVICE_ID: Final = "st-01"
_BPM: Final = 72
_STREAM_S: Final = 10
_PICTURES: Final = Path("build") / "oled"
_EXAMPLES: Final = """examples:
  make demo                              a heart without and with murmur, then serve until Ctrl-C
  make demo ARGS="heart.wav other.flac"  these files
  make demo ARGS=--firmware              the device is the firmware itself, with pictures of its display
  DEMO_ONCE=1 make demo                  stop after the results
"""


@dataclass(frozen=True, slots=True)
class Sound:
    """A file to play and what to call it."""

    title: str
    path: Path


def add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `demo` to the commands."""
    parser = commands.add_parser(
        "demo",
        help="run everything on this machine and play a heart",
        description="Start broker, worker and history API on free loopback ports; play sounds as a device.",
        epilog=f"{_EXAMPLES}\n{DISCLAIMER}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="audio to send (default: synthesised)"
    )
    parser.add_argument(
        "--firmware",
        action="store_true",
        help="play the firmware of the stethoscope instead of the simulator",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Play the demo; return 0 when every sound got its result."""
    program = _build_firmware() if args.firmware else None
    with tempfile.TemporaryDirectory(prefix="stetho-demo-") as name, Site(Path(name)) as site:
        print("Stetho Edge: research and education, not a medical device\n")
        print(f"broker   {site.broker.host}:{site.broker.port}")
        ready = site.start_worker().wait_for(r'event=ready models=(\S+) runtime="([^"]+)"')
        print(f"worker   {ready.group(1)} on {ready.group(2)}")
        history = site.start_api()
        print(f"history  {history}\n", flush=True)
        device = site.add_device(DEVICE_ID)
        sounds = [Sound(str(path), path) for path in args.files] or _synthesised(Path(name))
        if program is None:
            failures = [sound for sound in sounds if not _play(site, device, sound, history)]
            failures += [] if _stream(site, device, sounds[0], history) else sounds[:1]
        else:
            failures = [sound for sound in sounds if not _record(site, device, sound, history, program)]
        if not os.environ.get("DEMO_ONCE"):
            _serve(site, device, history)
        else:
            print(_dashboard(history))
        return 1 if failures else 0


def _synthesised(directory: Path) -> list[Sound]:
    sounds = []
    for finding in ("normal", "murmur"):
        path = directory / f"{finding}.wav"
        _simulator(["synth", "--bpm", str(_BPM), "--finding", finding, "-o", str(path)], {}, capture=True)
        sounds.append(Sound(f"synthesised heart, {_BPM} bpm, {finding}", path))
    return sounds


def _play(site: Site, device: Credentials, sound: Sound, history: str) -> bool:
    """Send one sound as the device; print what the device, an operator and the history see."""
    print(f"=== {sound.title}\n\nwhat the device shows:", flush=True)
    done = _simulator(
        ["send", str(sound.path.resolve()), "--device", DEVICE_ID, "--port", str(site.broker.port), "--full"],
        {"STETHO_DEVICE_PASSWORD": device.password, **_operator(site)},
        capture=True,
    )
    if done.returncode != 0:
        return False
    result = json.loads(done.stdout)
    print(f"\nwhat an operator hears:\nstetho/v1/result/{DEVICE_ID} {json.dumps(result, indent=2)}")
    url = history + result["links"]["self"]
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback server
        print(f"\nwhat the history keeps: {url} ({answer.status})\n", flush=True)
    return True


def _stream(site: Site, device: Credentials, sound: Sound, history: str) -> bool:
    """Play one sound as a stream: what is heard is said while it still plays, here and on the dashboard."""
    print(
        f"=== {sound.title}, as a stream of {_STREAM_S} s\n\n{_dashboard(history)} shows it, too\n",
        flush=True,
    )
    done = _simulator(
        [
            *("live", "--file", str(sound.path.resolve()), "--seconds", str(_STREAM_S)),
            *("--device", DEVICE_ID, "--port", str(site.broker.port)),
        ],
        {"STETHO_DEVICE_PASSWORD": device.password},
        capture=True,
    )
    if done.returncode == 0:
        print(f"\nwhat the device was told: {done.stdout}", flush=True)
    return done.returncode == 0


def _build_firmware() -> Path:
    from simulator.site import firmware  # noqa: PLC0415 - so that --help is quick

    return firmware.build()


def _record(site: Site, device: Credentials, sound: Sound, history: str, program: Path) -> bool:
    """Let the firmware record one sound; print what its display shows and what the history keeps."""
    from simulator.site import firmware  # noqa: PLC0415

    pictures = _PICTURES / re.sub("[^a-z0-9]+", "-", sound.path.stem.lower())
    print(f"=== {sound.title}\n\nwhat the display shows:", flush=True)
    compact = firmware.record(program, site.broker.port, device, sound.path.resolve(), pictures)
    if compact is None:
        return False
    count = len(list(pictures.iterdir()))
    print(f"\nits {count} pictures: {pictures}/\n\nwhat the device was told: {json.dumps(compact)}")
    url = f"{history}/api/v1/recordings/{compact['recording_id']}?device={DEVICE_ID}"
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback server
        print(f"what the history keeps: {url} ({answer.status})\n", flush=True)
    return True


def _serve(site: Site, device: Credentials, history: str) -> None:
    print("listen:  " + _subscription(site))
    print(
        f"send:    .venv/bin/python -m simulator send FILE --device {DEVICE_ID} --port {site.broker.port} "
        f"--password {device.password}"
    )
    print(f"look up: {history}/api/v1/results\n{_dashboard(history)}\n\nServing until Ctrl-C.", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("\nstopping")


def _dashboard(history: str) -> str:
    return f"look:    {history}/"


def _subscription(site: Site) -> str:
    account = site.operator
    where = f"-h {site.broker.host} -p {site.broker.port} -u {account.username} -P {account.password}"
    return f"mosquitto_sub {where} -i {account.username} -t 'stetho/v1/result/#' -v"


def _operator(site: Site) -> dict[str, str]:
    return {
        "STETHO_OPERATOR_USERNAME": site.operator.username,
        "STETHO_OPERATOR_PASSWORD": site.operator.password,
    }


def _simulator(
    arguments: list[str], environ: dict[str, str], *, capture: bool
) -> "subprocess.CompletedProcess[str]":
    """Run the simulator as a user would; its display goes straight to our stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "simulator", *arguments],
        cwd=PACKAGES,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=False,
    )
    if done.returncode == 2:  # noqa: PLR2004 - the simulator's status for a user's mistake, explained on stderr
        raise ProcessError(f"the device could not send: {' '.join(arguments[:2])}")
    return done
