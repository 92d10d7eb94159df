"""Words of the page of notifications, in the languages of people."""

from typing import Final

from edge_worker.protocol.meaning import Texts, text_in

_WORDS: Final[dict[str, Texts]] = {
    "title": {"en": "Notifications", "de": "Benachrichtigungen"},
    "well": {"en": "Notifications are sent.", "de": "Benachrichtigungen werden verschickt."},
    "unused": {
        "en": "Notifications are not used here: docs/notifications.md says how they are.",
        "de": "Hier gibt es keine Benachrichtigungen: docs/notifications.md sagt, wie man sie einrichtet.",
    },
    "rules": {"en": "Rules", "de": "Regeln"},
    "rule": {"en": "Rule", "de": "Regel"},
    "tells": {"en": "Tells of", "de": "Meldet"},
    "sound": {"en": "sounds", "de": "Geräusche"},
    "disconnected": {"en": "devices that are away", "de": "Geräte, die fehlen"},
    "worker": {"en": "workers or broker that are away", "de": "Worker oder Broker, die fehlen"},
    "receivers": {"en": "Receivers", "de": "Empfänger"},
    "receiver": {"en": "Receiver", "de": "Empfänger"},
    "held": {"en": "Held back", "de": "Vorgemerkt"},
    "waiting": {"en": "Waiting", "de": "Wartet"},
    "error": {"en": "Error", "de": "Fehler"},
    "test": {"en": "Send a test", "de": "Test senden"},
    "testing": {"en": "Sending …", "de": "Wird gesendet …"},
    "taken": {"en": "took it", "de": "hat sie angenommen"},
    "last": {"en": "Last messages", "de": "Letzte Meldungen"},
    "when": {"en": "When", "de": "Wann"},
    "what": {"en": "Message", "de": "Meldung"},
    "state": {"en": "State", "de": "Stand"},
    "is_waiting": {"en": "waits", "de": "wartet"},
    "is_sent": {"en": "✓ sent", "de": "✓ gesendet"},
    "is_given_up": {"en": "⚠ given up", "de": "⚠ aufgegeben"},
    "none": {"en": "None.", "de": "Keine."},
    "where": {
        "en": "Rules are changed in the file notify/rules.toml of the data directory.",
        "de": "Regeln werden in der Datei notify/rules.toml im Datenverzeichnis geändert.",
    },
}


def say(name: str, language: str) -> str:
    """Return a word or sentence of this page in a language."""
    return text_in(_WORDS[name.replace(" ", "_")], language)
