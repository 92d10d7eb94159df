"""`stetho demo`: broker, worker and history API on this machine, and a simulated stethoscope that records."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.account import Credentials
from edge_worker.protocol import strict_json
from simulator.command.argument import DISCLAIMER
from simulator.site.process import PACKAGES, ProcessError
from simulator.site.site import Site

DEVICE_ID: Final = "st-01"
_BPM: Final = 72
_STREAM_S: Final = 10
_PICTURES: Final = Path("build") / "oled"
_EXAMPLES: Final = """examples:
  stetho demo                       a heart without and with murmur, then serve until Ctrl-C
  stetho demo heart.wav other.flac  these files
  stetho demo --firmware            the device is the firmware itself, with pictures of its display
  DEMO_ONCE=1 stetho demo           stop after the results
"""


@dataclass(frozen=True, slots=True)
class DemoSound:
    """File to play, with a title."""

    title: str
    path: Path


def add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command that runs the demo."""
    parser = commands.add_parser(
        "demo",
        help="run everything on this machine and record a heart",
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
        help="use the firmware of the stethoscope as the device (needs a checkout)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the demo and return 0 when every sound got its result."""
    program = _build_firmware() if args.firmware else None
    with tempfile.TemporaryDirectory(prefix="stetho-demo-") as name, Site(Path(name)) as site:
        print("Stetho Edge: research and education, not a medical device\n")
        print(f"broker   {site.broker.host}:{site.broker.port}")
        ready = site.start_worker().wait_for(r'event=ready models=(\S+) runtime="([^"]+)"')
        print(f"worker   {ready.group(1)} on {ready.group(2)}")
        history = site.start_api()
        print(f"history  {history}\n", flush=True)
        device = site.add_device(DEVICE_ID)
        sounds = [DemoSound(str(path), path) for path in args.files] or _synthesised(Path(name))
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


def _synthesised(directory: Path) -> list[DemoSound]:
    sounds = []
    for finding in ("normal", "murmur"):
        path = directory / f"{finding}.wav"
        _simulator(["synth", "--bpm", str(_BPM), "--finding", finding, "-o", str(path)], {})
        sounds.append(DemoSound(f"synthesised heart, {_BPM} bpm, {finding}", path))
    return sounds


def _play(site: Site, device: Credentials, sound: DemoSound, history: str) -> bool:
    """Send one sound as the device; print its display, the published result and the stored one."""
    print(f"=== {sound.title}\n\ndisplay of the device:", flush=True)
    done = _simulator(
        ["send", str(sound.path.resolve()), "--device", DEVICE_ID, "--port", str(site.broker.port), "--full"],
        {"STETHO_DEVICE_PASSWORD": device.password, **_operator(site)},
    )
    if done.returncode != 0:
        return False
    result = json.loads(done.stdout)
    print(f"\npublished:\nstetho/v1/result/{DEVICE_ID} {strict_json.write(result, indent=2)}")
    url = history + result["links"]["self"]
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback server
        print(f"\nstored: {url} ({answer.status})\n", flush=True)
    return True


def _stream(site: Site, device: Credentials, sound: DemoSound, history: str) -> bool:
    """Stream one sound: live values are shown while it plays, here and on the dashboard."""
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
    )
    if done.returncode == 0:
        print(f"\nresult for the device: {done.stdout}", flush=True)
    return done.returncode == 0


def _build_firmware() -> Path:
    from simulator.site import firmware  # noqa: PLC0415 - so that --help is quick

    return firmware.build()


def _record(site: Site, device: Credentials, sound: DemoSound, history: str, program: Path) -> bool:
    """Record one sound with the firmware; print its display, the result and the stored one."""
    from simulator.site import firmware  # noqa: PLC0415

    pictures = _PICTURES / re.sub("[^a-z0-9]+", "-", sound.path.stem.lower())
    print(f"=== {sound.title}\n\ndisplay of the device:", flush=True)
    compact = firmware.record(program, site.broker.port, device, sound.path.resolve(), pictures)
    if compact is None:
        return False
    count = len(list(pictures.iterdir()))
    print(f"\nits {count} pictures: {pictures}/\n\nresult for the device: {strict_json.write(compact)}")
    url = f"{history}/api/v1/recordings/{compact['recording_id']}?device={DEVICE_ID}"
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback server
        print(f"stored: {url} ({answer.status})\n", flush=True)
    return True


def _serve(site: Site, device: Credentials, history: str) -> None:
    command = "stetho" if shutil.which("stetho") else Path(sys.executable).with_name("stetho")
    print("listen:  " + _subscription(site))
    print(
        f"send:    {command} send FILE --device {DEVICE_ID} --port {site.broker.port} "
        f"--password {device.password}"
    )
    print(f"look up: {history}/api/v1/results\n{_dashboard(history)}\n\nServing until Ctrl-C.", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print("\nstopping")


def _dashboard(history: str) -> str:
    return f"dashboard  {history}/"


def _subscription(site: Site) -> str:
    account = site.operator
    where = f"-h {site.broker.host} -p {site.broker.port} -u {account.username} -P {account.password}"
    return f"mosquitto_sub {where} -i {account.username} -t 'stetho/v1/result/#' -v"


def _operator(site: Site) -> dict[str, str]:
    return {
        "STETHO_OPERATOR_USERNAME": site.operator.username,
        "STETHO_OPERATOR_PASSWORD": site.operator.password,
    }


def _simulator(arguments: list[str], environ: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run the simulator in a process of its own; its display goes to our stderr."""
    done = subprocess.run(
        [sys.executable, "-m", "simulator", *arguments],
        cwd=PACKAGES,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode == 2:  # noqa: PLR2004 - the simulator's status for a user's mistake, explained on stderr
        raise ProcessError(f"the device could not send: {' '.join(arguments[:2])}")
    return done
