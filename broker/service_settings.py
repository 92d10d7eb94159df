"""Settings of our programs: for each a folder with its password and the CA, and a file of variables."""

import re
import shlex
from typing import Final

from broker import listener
from broker.account import Credentials, role_of
from broker.directory import StateDirectory, data_path, write_private
from edge_worker.own_command import stetho
from edge_worker.protocol.sharing.shard import PROCESSES_FILE

PREFIXES: Final = {"worker": "STETHO_MQTT", "api": "STETHO_API_MQTT", "notify": "STETHO_NOTIFY_MQTT"}
"""Our programs that read their password from a file, and the prefix of their settings."""
_OF_SEVERAL: Final = (
    "# A database and sounds that are not on this machine, for worker and API alike: docs/deployment.md",
    "#STETHO_DATABASE_URL=postgresql+psycopg://stetho@db.example.org/stetho",
    "#STETHO_AUDIO_URL=s3://sounds/ward-3",
    "#AWS_ENDPOINT_URL=https://s3.example.org",
    "#AWS_ACCESS_KEY_ID=stetho-ward-3",
    "#AWS_SECRET_ACCESS_KEY=",
)
"""What a site may need, offered to whoever edits the file; only its owner can read it."""
_DATA: Final = "STETHO_DATA_DIR"
_SETS: Final = re.compile(r"\s*(?:export\s+)?(#?\w+)=(.*)")


def write_password(state: StateDirectory, credentials: Credentials) -> None:
    """Write the password of a program to its folder, which is all of the broker's state that it needs."""
    folder = state.path / credentials.username
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / "password", f"{credentials.password}\n")


def write_processes(state: StateDirectory, username: str, count: int) -> None:
    """Write for a worker for how many processes there are accounts."""
    folder = state.path / username
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / PROCESSES_FILE, f"{count}\n")


def write(state: StateDirectory, username: str) -> str:
    """Write `USERNAME.env` of a program, and the CA's certificate if there is one; return what we wrote.

    What an operator has added stays, and is not returned: it may be a secret. A second worker has other data
    than the first, wherever that is.
    """
    folder, prefix = state.path / username, PREFIXES[role_of(username)]
    settings = {f"{prefix}_USERNAME": username, f"{prefix}_PASSWORD_FILE": folder / "password"}
    if (ca := state.certificates / "ca.pem").exists():
        write_private(folder / "ca.pem", ca.read_text())
        settings |= {"STETHO_MQTT_PORT": listener.TLS.port, "STETHO_MQTT_CA_FILE": folder / "ca.pem"}
    if state.nats_hosts.exists():
        hosts = state.nats_hosts.read_text().split()
        settings |= {"STETHO_BROKER": "nats", "STETHO_MQTT_HOST": ",".join(hosts)}
    path = state.path / f"{username}.env"
    lines = path.read_text().splitlines() if path.exists() else []
    given = {found[1]: found[2] for line in lines if (found := _SETS.match(line))}
    own = [f"{name}={shlex.quote(str(value))}" for name, value in settings.items()]
    if username in PREFIXES:
        own.append(f"{_DATA}={given.get(_DATA) or shlex.quote(str(data_path(state.path)))}")
    if role_of(username) != "notify":
        own += [each for each in _OF_SEVERAL if _name(each).removeprefix("#") not in given]
    names = {_name(each) for each in (*own, *_OF_SEVERAL)}
    added = [line for line in lines if line.strip() and _name(line) not in names]
    write_private(path, "".join(f"{line}\n" for line in (*own, *added)))
    return "".join(f"{line}\n" for line in own)


def _name(line: str) -> str:
    """Return what a line of settings sets, `#NAME` if it is commented out; of another line the line."""
    found = _SETS.match(line)
    return found[1] if found else line


def how_to_start(state: StateDirectory, username: str) -> str:
    """Return the command line with which a shell starts a program with its settings."""
    file = shlex.quote(str(state.path / f"{username}.env"))
    return f"set -a; . {file}; set +a; {stetho(role_of(username))}"
