"""Command `stetho notify`: send notifications, check their rules, or send a test."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from edge_worker import __version__
from edge_worker.directory_lock import lock_directory
from edge_worker.errors import SettingsError, StethoError
from edge_worker.notify import occurrence, receiver, rules_watch, status
from edge_worker.notify.message import Writer
from edge_worker.notify.notice_queue import NAME, NoticeQueue
from edge_worker.notify.notifier import Notifier
from edge_worker.notify.rule import Rule, Rules
from edge_worker.notify.rules_watch import RulesWatch
from edge_worker.notify.settings import NotifySettings
from edge_worker.private_files import keep_private
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.telemetry.logfmt import line, log_to_stdout

_LOG: Final = logging.getLogger("edge_worker.notify")
_OTHERS: Final = 0o077
_EXAMPLES: Final = """examples:
  stetho notify                 send what the rules say, until SIGTERM
  stetho notify check           read the rules, say what they mean, send nothing
  stetho notify test alarm      send a test message to the receivers of the rule `alarm`

rules: docs/notifications.md; settings: docs/configuration.md.
Research and education, not a medical device."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status: 0, 1 when a test failed, 2 with one sentence on stderr."""
    parser = argparse.ArgumentParser(
        prog="stetho notify",
        description="Tell people what was heard, and what is away: ntfy, e-mail, webhooks and more.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="?", default="run", choices=("run", "check", "test"))
    parser.add_argument("rule", nargs="?", help="of `test`: the name of a rule")
    parser.add_argument("--version", action="version", version=f"stetho-edge {__version__}")
    options = parser.parse_args(arguments)
    if (options.command == "test") != (options.rule is not None):
        parser.error("`test` needs the name of a rule, the other commands need none")
    commands: dict[str, Callable[[NotifySettings], int]] = {
        "run": _run,
        "check": _check,
        "test": lambda settings: _test(settings, options.rule),
    }
    try:
        return commands[options.command](NotifySettings.from_environ(os.environ))
    except StethoError as error:
        print(f"stetho notify: {error}", file=sys.stderr)
        return 2


def _run(settings: NotifySettings) -> int:
    log_to_stdout(settings.log_level)
    receiver.keep_secrets_out_of_logs()
    keep_private(settings.data_dir)
    settings.directory.mkdir(parents=True, exist_ok=True)
    refusal = f"another program that notifies runs in {settings.directory}; one is enough"
    with lock_directory(settings.directory / status.LOCK, refusal):
        watch = RulesWatch(settings)
        if problem := _openness(settings):
            _LOG.warning(line("rules_readable", reason=problem))
        queue = NoticeQueue.open(settings.directory / NAME)
        notifier = Notifier(settings, watch, queue)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: notifier.stop())
        notifier.run()
        queue.close()
    return 0


def _check(settings: NotifySettings) -> int:
    rules = rules_watch.read(settings)
    for rule in rules.rules:
        print(f"{rule.name}: {_words(rule)} -> {', '.join(rule.send_to)}")
    unused = rules.receivers.keys() - {name for rule in rules.rules for name in rule.send_to}
    if unused:
        print(f"no rule sends to {', '.join(sorted(unused))}")
    if problem := _openness(settings):
        print(problem)
    print(f"{settings.rules_path} is right: {len(rules.rules)} rules, {len(rules.receivers)} receivers")
    return 0


def _test(settings: NotifySettings, name: str) -> int:
    rules = rules_watch.read(settings)
    rule = rules.named(name)
    if rule is None:
        names = ", ".join(each.name for each in rules.rules)
        raise SettingsError(f"no rule is called {name!r}; there are {names}")
    errors = {each: _send_test(settings, rules, rule, each) for each in rule.send_to}
    for each, error in errors.items():
        print(f"FAIL  {each}: {error}" if error else f"ok    {each}: it took the message")
    return 1 if any(errors.values()) else 0


def _send_test(settings: NotifySettings, rules: Rules, rule: Rule, name: str) -> str:
    now = datetime.now(UTC)
    test = occurrence.of_test(rule.on, rule.name, f"test/{rfc3339(now)}", rfc3339(now))
    message = Writer(settings.language, rules.zone, settings.api_public_url).write(test, rule.name, now)
    return receiver.send(rules.receivers[name], message)


def _words(rule: Rule) -> str:
    """Return what a rule tells, in a line."""
    what = [*rule.labels, *(rule.severities if rule.severities or rule.labels else ("finding",))]
    parts = [rule.on, *([" or ".join(what)] if rule.on == "sound" else [f"for {rule.after_s:g} s"])]
    if rule.devices:
        parts.append(f"of {', '.join(rule.devices)}")
    return " ".join([*parts, f"(at most {rule.at_most} in {rule.within_min:g} min)"])


def _openness(settings: NotifySettings) -> str:
    """Return that others may read the rules, which contain passwords; empty where they may not."""
    path = settings.rules_path
    return (
        f"others can read {path}, which has passwords: chmod 600 {path}"
        if path.stat().st_mode & _OTHERS
        else ""
    )


if __name__ == "__main__":
    sys.exit(main())
