"""The file of rules: what it says, and a sentence for each mistake that does not give an address away."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rule_texts import LABELS, RECEIVERS, SECRET, heard, parse, rule

from edge_worker.errors import SettingsError
from edge_worker.notify import rules_file
from edge_worker.notify.occurrence import Occurrence
from edge_worker.notify.rules_watch import RulesWatch
from edge_worker.notify.settings import NotifySettings

MISTAKES = {
    "no TOML": ("[receivers", "no TOML"),
    "no receivers": (rule(), "no receivers"),
    "unknown service": (f'[receivers]\nphone = "nfty://{SECRET}"\n{rule()}', "phone"),
    "address is a list": (f'[receivers]\nphone = ["ntfy://{SECRET}"]\n{rule()}', "phone"),
    "no rule": (RECEIVERS, "[[rule]]"),
    "rule is no list": (f'{RECEIVERS}\n[rule]\nname = "alarm"\n', "[[rule]]"),
    "two of one name": (RECEIVERS + rule() + rule(), "'alarm'"),
    "no name": (f'{RECEIVERS}[[rule]]\non = "sound"\n', "rule 1 needs a name"),
    "unknown key": (RECEIVERS + rule("alarm", 'label = ["siren"]'), "'labels'"),
    "key of another kind": (RECEIVERS + rule("away", 'labels = ["siren"]', on="disconnected"), "'labels'"),
    "unknown kind": (RECEIVERS + rule(on="sounds"), "sound, disconnected, worker"),
    "unknown receiver": (RECEIVERS + rule(send_to='["phones"]'), "'phone'"),
    "no receiver": (RECEIVERS + rule(send_to="[]"), "phone, ward"),
    "unknown label": (RECEIVERS + rule("alarm", 'labels = ["sirene"]'), "'siren'"),
    "unknown severity": (RECEIVERS + rule("alarm", 'severities = ["find"]'), "'finding'"),
    "no number": (RECEIVERS + rule("alarm", 'at_most = "6"'), "from 1 to 1000"),
    "true is no number": (RECEIVERS + rule("alarm", "at_most = true"), "from 1 to 1000"),
    "not a number": (RECEIVERS + rule("alarm", "within_min = nan"), "from 0.01 to 1440"),
    "too long": (f"give_up_h = 1000\n{RECEIVERS}{rule()}", "from 0.1 to 168"),
    "no hours": (RECEIVERS + rule("alarm", 'quiet_hours = "22-7"'), "22:00-07:00"),
    "no time of day": (RECEIVERS + rule("alarm", 'quiet_hours = "22:00-24:00"'), "22:00-07:00"),
    "hours of nothing": (RECEIVERS + rule("alarm", 'quiet_hours = "07:00-07:00"'), "22:00-07:00"),
    "no zone": (f'time_zone = "Berlin"\n{RECEIVERS}{rule()}', "Europe/Berlin"),
    "zone is a path": (f'time_zone = "../../etc/passwd"\n{RECEIVERS}{rule()}', "Europe/Berlin"),
}


@pytest.mark.parametrize(("text", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_in_one_sentence_without_an_address(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(SettingsError) as refused:
        rules_file.read(path, LABELS)
    assert told in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert SECRET not in f"{refused.value!r}{refused.value.__cause__!r}"


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="is missing"):
        rules_file.read(tmp_path / "rules.toml", LABELS)
    (tmp_path / "rules.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="no UTF-8"):
        rules_file.read(tmp_path / "rules.toml", LABELS)


def test_a_rule_tells_what_it_names_and_by_default_what_needs_attention() -> None:
    named = parse(rule("a", 'labels = ["door_wood_knock", "siren"]', 'devices = ["room-*"]')).rules[0]
    assert named.matches(heard(1))
    assert named.matches(heard(1, severity="none")), "a label that is named is told however serious it is"
    assert not named.matches(heard(1, "normal"))
    assert not named.matches(heard(1, None))
    assert not named.matches(heard(1, device="st-01"))
    plain = parse(rule()).rules[0]
    assert plain.matches(heard(1, "abnormal", "st-01"))
    assert not plain.matches(heard(1, "normal", severity="none"))
    assert parse(rule("a", 'severities = ["unknown"]')).rules[0].matches(heard(1, None, severity="unknown"))
    away = Occurrence("disconnected", "lost", "room-1", "k", "2026-11-30T11:00:00Z", "finding")
    assert not plain.matches(away)
    assert parse(rule("b", on="disconnected")).rules[0].matches(away)


def test_rules_show_no_addresses() -> None:
    assert SECRET not in repr(parse(rule()))


def test_a_file_that_becomes_wrong_leaves_the_old_rules_in_force(tmp_path: Path) -> None:
    settings = NotifySettings(data_dir=tmp_path)
    settings.directory.mkdir()
    path = settings.rules_path
    path.write_text(RECEIVERS + rule("first"))
    watch = RulesWatch(settings)
    assert not watch.look()
    path.write_text(RECEIVERS + rule("second", 'labels = ["sirene"]'))
    assert watch.look()
    assert [each.name for each in watch.rules.rules] == ["first"]
    assert "'sirene'" in watch.fault
    assert "stay in force" in watch.fault
    assert not watch.look(), "it is read once a change"
    path.unlink()
    assert watch.look()
    assert "is missing" in watch.fault
    path.with_suffix(".new").write_text(RECEIVERS + rule("third", 'labels = ["siren"]'))
    os.replace(path.with_suffix(".new"), path)  # noqa: PTH105 - as editors do
    assert watch.look()
    assert watch.fault == ""
    assert [each.name for each in watch.rules.rules] == ["third"]


def test_without_a_zone_the_rules_follow_the_machine_and_its_summer_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    zone = parse(rule(), head="").zone
    assert [datetime(2026, month, 1, tzinfo=zone).utcoffset() for month in (1, 7)] == [
        timedelta(hours=1),
        timedelta(hours=2),
    ]
    monkeypatch.setenv("TZ", "Nowhere/Else")
    assert parse(rule(), head="").zone is UTC
    monkeypatch.delenv("TZ")
    assert parse(rule(), head="").zone is not None


def test_the_examples_of_the_page_are_right(tmp_path: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "notifications.md"
    examples = re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) == 3
    settings = NotifySettings(data_dir=tmp_path)
    settings.directory.mkdir()
    for example in examples:
        settings.rules_path.write_text(example)
        assert RulesWatch(settings).rules.rules
