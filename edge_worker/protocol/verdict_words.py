"""Words and symbols of a verdict, and advice where there is none: the same on every screen and in messages.

Some are in messages: `docs/protocol.md` § Result. Colour is never the only sign: a verdict has a symbol and
words as well.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from edge_worker.protocol.meaning import Severity, Texts, text_in

Name = Callable[[str, str], str]
"""Returns the name for people of a model's label."""

SYMBOLS: Final[dict[Severity, str]] = {"finding": "!", "none": "✓", "unknown": "?"}
SEVERITIES: Final[dict[Severity, Texts]] = {
    "finding": {"en": "Needs attention", "de": "Bitte beachten"},
    "none": {"en": "No finding", "de": "Kein Befund"},
    "unknown": {"en": "Cannot tell", "de": "Nicht zu erkennen"},
}
FAILED: Final[Texts] = {"en": "Analysis failed", "de": "Auswertung fehlgeschlagen"}
DISAGREE: Final[Texts] = {"en": "The models disagree", "de": "Die Modelle sind uneins"}
CORRECTED: Final[Texts] = {"en": "Corrected by a reviewer to", "de": "Bei der Durchsicht berichtigt zu"}
SHORT_DISAGREE: Final[Texts] = {"en": "models disagree", "de": "Modelle uneins"}
"""For a display of a device: at most 21 characters."""
IMPOSSIBLE_ADVICE: Final[dict[str, Texts]] = {
    "one_value": {
        "en": "no signal: check the wires of the microphone",
        "de": "kein Signal: die Leitungen des Mikrofons prüfen",
    },
    "counter": {
        "en": "a test pattern: send what the microphone hears",
        "de": "ein Testmuster: senden, was das Mikrofon hört",
    },
    "interleaved": {
        "en": "two channels sent as one: send one, or declare both",
        "de": "zwei Kanäle als einer: einen senden oder beide angeben",
    },
    "split_channel": {
        "en": "one channel declared as two: declare one",
        "de": "ein Kanal als zwei angegeben: einen angeben",
    },
    "wrong_rate": {
        "en": "more sound than time passed: declare the true sample rate",
        "de": "mehr Ton, als Zeit verging: die wahre Abtastrate angeben",
    },
    "held_samples": {
        "en": "each sample comes several times: send it once",
        "de": "jeder Abtastwert kommt mehrfach: ihn einmal senden",
    },
    "repeated_blocks": {
        "en": "sound is sent twice: check the audio buffer of the device",
        "de": "Ton kommt doppelt: den Audiopuffer des Geräts prüfen",
    },
    "wrong_format": {
        "en": "wrong sample format: send signed 16-bit, little endian",
        "de": "falsches Format: 16 Bit mit Vorzeichen senden, little endian",
    },
    "no_sound": {
        "en": "text or a packed file: send what the microphone hears",
        "de": "Text oder eine gepackte Datei: senden, was das Mikrofon hört",
    },
    "wrapped": {
        "en": "samples wrap around: limit them, or lower the gain",
        "de": "Abtastwerte laufen über: begrenzen oder die Verstärkung senken",
    },
    "one_sided": {
        "en": "never below zero: send signed samples",
        "de": "nie unter null: mit Vorzeichen senden",
    },
    "broken_blocks": {
        "en": "sound in pieces: check the audio buffer of the device",
        "de": "Ton in Stücken: den Audiopuffer des Geräts prüfen",
    },
    "stuck_bit": {
        "en": "a bit never changes: check the wires of the microphone",
        "de": "ein Bit ändert sich nie: die Leitungen des Mikrofons prüfen",
    },
}
"""What to do about samples that cannot be sound, by reason."""
ADVICE: Final[dict[str, Texts]] = IMPOSSIBLE_ADVICE | {
    "clipped": {
        "en": "too loud: press less or lower the gain",
        "de": "zu laut: weniger drücken oder die Verstärkung senken",
    },
    "too_quiet": {"en": "too quiet: press firmer", "de": "zu leise: fester andrücken"},
    "no_heartbeat": {
        "en": "no heartbeat: move the chestpiece, or use another model",
        "de": "kein Herzschlag: Bruststück versetzen, oder ein anderes Modell",
    },
    "noisy": {"en": "too noisy: hold still, be silent", "de": "zu laut ringsum: stillhalten, nicht sprechen"},
    "too_short": {"en": "too short: record longer", "de": "zu kurz: länger aufnehmen"},
    "gaps": {"en": "audio was lost: record again", "de": "Ton ging verloren: noch einmal aufnehmen"},
    "low_confidence": {
        "en": "cannot tell: record again",
        "de": "nicht zu erkennen: noch einmal aufnehmen",
    },
    "unfamiliar_device": {
        "en": "cannot tell on this stethoscope: calibrate it",
        "de": "mit diesem Stethoskop nicht zu erkennen: kalibrieren",
    },
    "unknown_model": {
        "en": "this model is not installed here: choose another one",
        "de": "dieses Modell gibt es hier nicht: ein anderes wählen",
    },
    "failed": {
        "en": "analysis failed: ask the operator to see the worker's log",
        "de": "Auswertung fehlgeschlagen: den Betreiber ins Protokoll sehen lassen",
    },
}
"""What to do about a result that is not `ok`, by reason, for one who holds a stethoscope to a chest."""
_ADVICE_FOR_SOUNDS: Final[dict[str, Texts]] = {
    "clipped": {
        "en": "too loud: move away or lower the gain",
        "de": "zu laut: weiter weg gehen oder die Verstärkung senken",
    },
    "too_quiet": {
        "en": "too quiet: come closer or raise the gain",
        "de": "zu leise: näher herangehen oder die Verstärkung heben",
    },
    "low_confidence": {
        "en": "cannot tell: record again, closer and with less around it",
        "de": "nicht zu erkennen: noch einmal, näher und mit weniger ringsum",
    },
}
"""The same for one who records a voice or a room, where it is something else."""


def hears_sounds(result: Mapping[str, Any]) -> bool:
    """Return whether all models of a result are for sounds that are no hearts."""
    models = result["models"]
    return bool(models) and all(each.get("hears", "heart") == "sound" for each in models)


def advice_by_reason(*, for_sounds: bool) -> dict[str, Texts]:
    """Return what to do by reason, to one who records other sounds, or a heart."""
    return ADVICE | _ADVICE_FOR_SOUNDS if for_sounds else ADVICE


def advice(result: Mapping[str, Any], language: str) -> list[str]:
    """Return what to do about each of the reasons of a result, in the words of the one who recorded it."""
    known = advice_by_reason(for_sounds=hears_sounds(result))
    return [text_in(known.get(reason, {}), language) or reason for reason in result["reasons"]]


def headline(result: Mapping[str, Any], name: Name, language: str) -> str:
    """Return the answer of a result as published, in a few words."""
    verdict = result["verdict"]
    if verdict["label"] is not None:
        return name(verdict["model"], verdict["label"])
    return text_in(FAILED if result["status"] == "error" else SEVERITIES["unknown"], language)


def disagreement(result: Mapping[str, Any], name: Name, language: str) -> str | None:
    """Return which answers of the models contradict each other; None: none do."""
    models = set(result["verdict"]["disagree"])
    names = [name(each["model"], each["label"]) for each in result["models"] if each["model"] in models]
    return f"{text_in(DISAGREE, language)}: {_listed(names)}" if names else None


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
