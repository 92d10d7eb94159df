"""Words for people about commands to devices: what the buttons say, and what a device answered."""

from typing import Any, Final

from edge_worker.protocol.meaning import Texts, text_in

BUTTONS: Final[dict[str, Texts]] = {
    "record": {"en": "Record", "de": "Aufnehmen"},
    "stop": {"en": "Stop", "de": "Anhalten"},
    "identify": {"en": "Identify", "de": "Zeig dich"},
    "restart": {"en": "Restart", "de": "Neu starten"},
}
"""Commands in the order of their buttons."""
PAGE: Final[dict[str, Texts]] = {
    "title": {"en": "Remote control", "de": "Fernbedienung"},
    "seconds": {"en": "Length, s", "de": "Länge, s"},
    "as_set": {"en": "as set", "de": "wie eingestellt"},
    "offline": {
        "en": "This device is not connected: switch it on, and wait until its display says READY.",
        "de": "Dieses Gerät ist nicht verbunden: einschalten und warten, bis sein Display READY zeigt.",
    },
    "no_broker": {
        "en": "This server does not reach the broker now, so no command would arrive.",
        "de": "Dieser Server erreicht den Broker gerade nicht; kein Befehl käme an.",
    },
    "keep": {"en": "Leave it running", "de": "Laufen lassen"},
    "confirm": {
        "en": "Restart this device? It is away for some seconds; recordings that are not stored are kept.",
        "de": "Dieses Gerät neu starten? Es ist kurz weg; nicht gespeicherte Aufnahmen bleiben erhalten.",
    },
    "waiting": {"en": "Sent; waiting for the answer …", "de": "Gesendet; warte auf die Antwort …"},
    "no_script": {
        "en": "These buttons need JavaScript; docs/http-api.md has the same for the command line.",
        "de": "Diese Knöpfe brauchen JavaScript; docs/http-api.md hat dasselbe für die Kommandozeile.",
    },
}
_DONE: Final[dict[str, Texts]] = {
    "record": {"en": "The device records.", "de": "Das Gerät nimmt auf."},
    "stop": {"en": "The recording has ended.", "de": "Die Aufnahme ist beendet."},
    "identify": {
        "en": "Its display says who it is for ten seconds.",
        "de": "Sein Display zeigt zehn Sekunden lang, wer es ist.",
    },
    "restart": {"en": "The device restarts.", "de": "Das Gerät startet neu."},
}
_LATER: Final[Texts] = {
    "en": "The device restarts as soon as what it recorded is safe.",
    "de": "Das Gerät startet neu, sobald seine Aufnahmen gesichert sind.",
}
_NO_ANSWER: Final[Texts] = {
    "en": "Sent, no answer: look at the device. Older firmware obeys, and answers nothing.",
    "de": "Gesendet, keine Antwort: bitte am Gerät nachsehen. Ältere Firmware antwortet nicht.",
}
_REFUSED: Final[Texts] = {"en": "The device refuses", "de": "Das Gerät lehnt ab"}
_REASONS: Final[dict[str, Texts]] = {
    "recording": {"en": "it is recording already", "de": "es nimmt schon auf"},
    "not_recording": {"en": "it is not recording", "de": "es nimmt nicht auf"},
    "busy": {
        "en": "it is busy; try again in a moment",
        "de": "es ist beschäftigt; gleich noch einmal versuchen",
    },
    "updating": {
        "en": "it fetches new firmware; wait until it is back",
        "de": "es lädt neue Firmware; warten, bis es wieder da ist",
    },
    "testing": {
        "en": "its parts are being tested; wait for the end of the test",
        "de": "seine Teile werden geprüft; das Ende der Prüfung abwarten",
    },
    "fault": {
        "en": "it has a fault; its display says which, and a press ends it",
        "de": "es hat eine Störung; sein Display sagt, welche, ein Druck auf den Knopf beendet sie",
    },
    "memory_full": {
        "en": "its memory is full; wait until its recordings are sent",
        "de": "sein Speicher ist voll; warten, bis seine Aufnahmen gesendet sind",
    },
    "battery_empty": {"en": "its battery is empty; charge it", "de": "sein Akku ist leer; bitte laden"},
    "battery_low": {
        "en": "its battery is low; charge it first",
        "de": "sein Akku ist schwach; bitte erst laden",
    },
    "safe_mode": {
        "en": "it is in safe mode after several crashes; restart it, or update its firmware",
        "de": "es ist nach Abstürzen im abgesicherten Modus; neu starten oder Firmware aktualisieren",
    },
    "late": {
        "en": "the command came too late by its clock; if that happens again, set the clock of this server",
        "de": "der Befehl kam nach seiner Uhr zu spät; kommt das wieder vor, die Uhr dieses Servers stellen",
    },
    "unknown": {
        "en": "it does not know this command; update its firmware",
        "de": "es kennt diesen Befehl nicht; Firmware aktualisieren",
    },
    "unsupported": {"en": "it cannot do this", "de": "das kann es nicht"},
}


def page_words(language: str) -> dict[str, str]:
    """Return the words of the page but those of the buttons."""
    return {name: text_in(texts, language) for name, texts in PAGE.items()}


def buttons(language: str) -> dict[str, str]:
    """Return the words of the buttons by command, in their order."""
    return {command: text_in(texts, language) for command, texts in BUTTONS.items()}


def sentence(command: str, answer: dict[str, Any] | None, language: str) -> str:
    """Return what a device answered to a command; None: it did not answer."""
    if answer is None:
        return text_in(_NO_ANSWER, language)
    if answer["answer"] == "done":
        is_later = command == "restart" and answer["reason"] == "later"
        return text_in(_LATER if is_later else _DONE[command], language)
    reason = _REASONS.get(answer["reason"] or "", _REASONS["unsupported"])
    return f"{text_in(_REFUSED, language)}: {text_in(reason, language)}."
