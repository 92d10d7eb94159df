"""Settings of our programs: for each a folder with its password and the CA, and a file of variables."""

import shlex
from typing import Final

from broker import listener
from broker.account import Credentials, role_of
from broker.directory import StateDirectory, data_path, write_private
from edge_worker.own_command import stetho

PREFIXES: Final = {"worker": "STETHO_MQTT", "api": "STETHO_API_MQTT", "notify": "STETHO_NOTIFY_MQTT"}
"""Our programs that read their password from a file, and the prefix of their settings."""


def write_password(state: StateDirectory, credentials: Credentials) -> None:
    """Write the password of a program to its folder, which is all of the broker's state that it needs."""
    folder = state.path / credentials.username
    folder.mkdir(mode=0o700, exist_ok=True)
    write_private(folder / "password", f"{credentials.password}\n")


def write(state: StateDirectory, username: str) -> str:
    """Write `USERNAME.env` of a program, and the CA's certificate if there is one; return the file's text.

    A second worker has other data than the first, wherever that is.
    """
    folder, prefix = state.path / username, PREFIXES[role_of(username)]
    settings = {f"{prefix}_USERNAME": username, f"{prefix}_PASSWORD_FILE": folder / "password"}
    if (ca := state.certificates / "ca.pem").exists():
        write_private(folder / "ca.pem", ca.read_text())
        settings |= {"STETHO_MQTT_PORT": listener.TLS.port, "STETHO_MQTT_CA_FILE": folder / "ca.pem"}
    if state.nats_hosts.exists():
        hosts = state.nats_hosts.read_text().split()
        settings |= {"STETHO_BROKER": "nats", "STETHO_MQTT_HOST": ",".join(hosts)}
    if username in PREFIXES:
        settings["STETHO_DATA_DIR"] = data_path(state.path)
    text = "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in settings.items())
    write_private(state.path / f"{username}.env", text)
    return text


def how_to_start(state: StateDirectory, username: str) -> str:
    """Return the command line with which a shell starts a program with its settings."""
    file = shlex.quote(str(state.path / f"{username}.env"))
    return f"set -a; . {file}; set +a; {stetho(role_of(username))}"
