"""The file of rules: TOML that people write, checked key by key; `docs/notifications.md` has examples."""

import difflib
import os
import tomllib
from collections.abc import Collection, Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Final, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from edge_worker.errors import SettingsError
from edge_worker.notify import receiver
from edge_worker.notify.occurrence import Kind
from edge_worker.notify.quiet_hours import QuietHours
from edge_worker.notify.rule import Rule, Rules
from edge_worker.protocol.meaning import Severity
from edge_worker.text_file import read_text

_LOCAL_TIME: Final = Path("/etc/localtime")
_DOCUMENT: Final = ("time_zone", "give_up_h", "receivers", "rule")
_EVERY_RULE: Final = (
    "name",
    "on",
    "send_to",
    "devices",
    "at_most",
    "within_min",
    "quiet_hours",
    "despite_quiet_hours",
)
_OF_SOUND: Final = ("labels", "severities")
_OF_ABSENCE: Final = ("after_s",)
_LONGEST_NAME: Final = 40
_MAX_RULES: Final = 200
_MAX_RECEIVERS: Final = 50


def read(path: Path, labels: Collection[str]) -> Rules:
    """Return the rules in a file; `labels` are those of the models of this site.

    Raises:
        SettingsError: it cannot be read, or something in it is wrong; no address is in the message.
    """
    try:
        text = read_text(path)
    except FileNotFoundError:
        raise SettingsError(
            f"{path} is missing; write the rules there: docs/notifications.md has examples"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise SettingsError(f"{path} cannot be read: {reason}") from None
    try:
        return parse(text, labels)
    except SettingsError as error:
        raise SettingsError(f"{path}: {error}") from None


def parse(text: str, labels: Collection[str]) -> Rules:
    """Return the rules in a text; raises SettingsError as `read` does."""
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"this is no TOML: {error}") from None
    _require_known(document, _DOCUMENT, "the file")
    receivers = _receivers(document.get("receivers"))
    entries = document.get("rule")
    if not isinstance(entries, list) or not entries or not all(isinstance(each, dict) for each in entries):
        raise SettingsError("there is no rule; each begins with [[rule]]")
    if len(entries) > _MAX_RULES:
        raise SettingsError(f"there are {len(entries)} rules; at most {_MAX_RULES} are possible")
    rules = tuple(_rule(entry, number, receivers, labels) for number, entry in enumerate(entries, 1))
    names = [rule.name for rule in rules]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise SettingsError(f"two rules are called {twice!r}; give each a name of its own")
    give_up_h = _number(document, "give_up_h", 24, "the file", (0.1, 24 * 7))
    return Rules(rules, receivers, _zone(document.get("time_zone")), give_up_h * 3600)


def _receivers(table: object) -> dict[str, str]:
    if not isinstance(table, dict) or not table:
        raise SettingsError('there are no receivers; name one below [receivers], such as phone = "ntfys://…"')
    if len(table) > _MAX_RECEIVERS:
        raise SettingsError(f"there are {len(table)} receivers; at most {_MAX_RECEIVERS} are possible")
    for name, url in table.items():
        if not isinstance(url, str) or not receiver.is_address(url):
            raise SettingsError(
                f"the address of receiver {name!r} is not one that Apprise knows; docs/notifications.md has "
                "examples"
            )
    return table


def _rule(
    entry: Mapping[str, Any], number: int, receivers: Mapping[str, str], labels: Collection[str]
) -> Rule:
    name = entry.get("name")
    if not isinstance(name, str) or not name.isprintable() or not 1 <= len(name) <= _LONGEST_NAME:
        raise SettingsError(f"rule {number} needs a name of 1 to {_LONGEST_NAME} characters")
    where = f"rule {name!r}"
    on = _one_of(entry, "on", get_args(Kind), where)
    _require_known(entry, (*_EVERY_RULE, *(_OF_SOUND if on == "sound" else _OF_ABSENCE)), where)
    send_to = _words(entry, "send_to", where, tuple(receivers))
    if not send_to:
        raise SettingsError(f"{where} has no send_to; name at least one of {', '.join(receivers)}")
    severities = get_args(Severity)
    quiet = entry.get("quiet_hours")
    try:
        quiet_hours = None if quiet is None else QuietHours.parse(str(quiet))
    except SettingsError as error:
        raise SettingsError(f"{where}: {error}") from None
    return Rule(
        name,
        on,
        send_to,
        _words(entry, "devices", where),
        _words(entry, "labels", where, labels),
        _words(entry, "severities", where, severities),
        _number(entry, "after_s", 60, where, (0, 86_400)),
        int(_number(entry, "at_most", 6, where, (1, 1000))),
        _number(entry, "within_min", 10, where, (0.01, 1440)),
        quiet_hours,
        _words(entry, "despite_quiet_hours", where, severities),
    )


def _zone(name: object) -> tzinfo:
    if name is None:
        return _zone_of_machine()
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(f'time_zone is {name!r}; write one such as "Europe/Berlin"') from None


def _zone_of_machine() -> tzinfo:
    """Return the time zone of this machine, with its summer time; UTC where it has none."""
    try:
        if name := os.environ.get("TZ", "").lstrip(":"):
            return ZoneInfo(name)
        with _LOCAL_TIME.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _require_known(entry: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in entry:
        if key not in known:
            raise SettingsError(f"{where} has {key!r}, which is not known{_suggestion(key, known)}")


def _one_of(entry: Mapping[str, Any], key: str, choices: Collection[str], where: str) -> Any:  # noqa: ANN401 - a word of a Literal
    value = entry.get(key)
    if value not in choices:
        raise SettingsError(f"{where}: {key} is {value!r}; write one of {', '.join(choices)}")
    return value


def _words(
    entry: Mapping[str, Any], key: str, where: str, known: Collection[str] | None = None
) -> tuple[Any, ...]:
    values = entry.get(key, [])
    values = [values] if isinstance(values, str) else values
    if not isinstance(values, list) or not all(isinstance(each, str) and each for each in values):
        raise SettingsError(f'{where}: {key} must be a list of words, such as ["…"]')
    for value in values:
        if known is not None and value not in known:
            raise SettingsError(
                f"{where}: {key} has {value!r}, which is not known{_suggestion(value, known)}"
            )
    return tuple(values)


def _number(
    entry: Mapping[str, Any], key: str, default: float, where: str, bounds: tuple[float, float]
) -> float:
    value, (least, most) = entry.get(key, default), bounds
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise SettingsError(f"{where}: {key} is {value!r}; write a number from {least:g} to {most:g}")
    return float(value)


def _suggestion(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, list(known), 1, 0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(known))}"
