"""Settings of the notifications: those that every process of a site shares, and their own."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from edge_worker.errors import SettingsError
from edge_worker.own_command import stetho
from edge_worker.settings import Settings, setting

DIRECTORY: Final = "notify"
"""In the data directory: the queue, and the rules where no other file is named."""


@dataclass(frozen=True, slots=True)
class NotifySettings(Settings):
    """Settings of a site with those of its notifications; `notify_rules` is `STETHO_NOTIFY_RULES`."""

    notify_mqtt_username: str = setting("notify", "user name and client id of `stetho notify` at the broker")
    notify_mqtt_password: str = setting("", "password of `stetho notify` at the broker; prefer the file")
    notify_mqtt_password_file: Path | None = setting(None, "file whose first line is that password")
    notify_rules: Path | None = setting(
        None,
        "file of the [rules](notifications.md#rules); default: `notify/rules.toml` in the data directory",
    )
    api_public_url: str = setting("", "address of the dashboard for people, for links in notifications")

    @property
    def rules_path(self) -> Path:
        """The file of the rules in force."""
        return self.notify_rules or self.directory / "rules.toml"

    @property
    def directory(self) -> Path:
        """The directory of the queue."""
        return self.data_dir / DIRECTORY

    @property
    def uses_database(self) -> bool:
        """False: all that it tells of comes from the broker."""
        return False

    def account(self) -> "NotifySettings":
        """Return these settings with the account of `stetho notify` as that of the connection.

        Raises:
            SettingsError: there is no password, or its file cannot be read.
        """
        password = self.read_password("notify_mqtt_password_file") or self.notify_mqtt_password
        if not password:
            raise SettingsError(
                "there is no password for the broker; set STETHO_NOTIFY_MQTT_PASSWORD_FILE to the file that "
                f"`{stetho('provision notify')}` wrote"
            )
        return replace(
            self,
            mqtt_username=self.notify_mqtt_username,
            mqtt_password=password,
            mqtt_password_file=None,
        )

    def check(self) -> None:
        """Raise SettingsError unless the values are possible and fit together."""
        Settings.check(self)  # super() knows no class with slots before Python 3.14
        self.require_name("notify_mqtt_username")
        self.require(
            "notify_mqtt_username",
            self.notify_mqtt_username != self.mqtt_username,
            "use another name than STETHO_MQTT_USERNAME: the broker disconnects one of two that share a name",
        )
