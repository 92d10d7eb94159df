"""Words of the page that records in a browser, in each language that people may choose."""

from typing import Final

from edge_worker.protocol.meaning import Texts, text_in

_WORDS: Final[dict[str, Texts]] = {
    "title": {"en": "Record", "de": "Aufnehmen"},
    "what": {"en": "Listen for", "de": "Worauf hören"},
    "heart": {"en": "Heart", "de": "Herz"},
    "voice": {"en": "Voice", "de": "Stimme"},
    "room": {"en": "Room", "de": "Raum"},
    "other": {"en": "Other sounds", "de": "Andere Klänge"},
    "seconds": {"en": "Length", "de": "Dauer"},
    "site": {"en": "Where on the chest", "de": "Wo auf der Brust"},
    "no_site": {"en": "not given", "de": "ohne Angabe"},
    "AV": {"en": "aortic", "de": "Aorta"},
    "PV": {"en": "pulmonary", "de": "Pulmonalis"},
    "TV": {"en": "tricuspid", "de": "Trikuspidalis"},
    "MV": {"en": "mitral", "de": "Mitralis"},
    "subject": {
        "en": "Whose sound (a pseudonym, never a name)",
        "de": "Wessen Klang (Pseudonym, nie ein Name)",
    },
    "exam": {"en": "Exam (joins recordings)", "de": "Untersuchung (verbindet Aufnahmen)"},
    "device": {"en": "Name of this device", "de": "Name dieses Geräts"},
    "device_help": {
        "en": "a to z, 0 to 9 and -; it is remembered here",
        "de": "a bis z, 0 bis 9 und -; er wird hier gemerkt",
    },
    "microphone": {"en": "Microphone", "de": "Mikrofon"},
    "any_microphone": {"en": "that of this device", "de": "das dieses Geräts"},
    "level": {"en": "Level", "de": "Pegel"},
    "start": {"en": "● Record", "de": "● Aufnehmen"},
    "stop": {"en": "■ Stop", "de": "■ Beenden"},
    "help": {
        "en": "Hold the microphone still and close to the sound. It is recorded as it is, without noise "
        "suppression, stored on this server, and analysed there.",
        "de": "Das Mikrofon ruhig und nah an den Klang halten. Er wird aufgenommen, wie er ist, ohne "
        "Rauschunterdrückung, auf diesem Server gespeichert und dort ausgewertet.",
    },
    "no_script": {
        "en": "Recording needs JavaScript: switch it on, or upload a file.",
        "de": "Aufnehmen braucht JavaScript: bitte einschalten, oder eine Datei hochladen.",
    },
    "asking": {"en": "Allow this page to use the microphone.", "de": "Dieser Seite das Mikrofon erlauben."},
    "lead": {"en": "Get ready: recording starts in {} s.", "de": "Bereit machen: Aufnahme beginnt in {} s."},
    "recording": {"en": "Recording {} s.", "de": "Aufnahme von {} s."},
    "nothing": {"en": "Stopped before it began.", "de": "Vor dem Beginn beendet."},
    "interrupted": {
        "en": "The microphone stopped early; what it had recorded is sent.",
        "de": "Das Mikrofon hörte vorzeitig auf; was es aufgenommen hatte, wird gesendet.",
    },
    "processed": {
        "en": "This browser alters the sound ({}): another browser or microphone may give a better answer.",
        "de": "Dieser Browser verändert den Klang ({}): mit einem anderen, oder anderem Mikrofon, wird "
        "die Antwort vielleicht besser.",
    },
    "insecure": {
        "en": "Browsers lend the microphone to https pages only: open this page by an https address (the "
        "server gets one by a TLS proxy: deployment.md), or on the server itself by "
        "http://localhost.",
        "de": "Browser geben das Mikrofon nur an https-Seiten: diese Seite mit https öffnen (der Server "
        "bekommt es durch einen TLS-Proxy: deployment.md), oder auf dem Server selbst mit "
        "http://localhost.",
    },
    "unsupported": {
        "en": "This browser cannot record sound unaltered: update it, or use another one.",
        "de": "Dieser Browser kann Klang nicht unverändert aufnehmen: aktualisieren oder einen anderen "
        "benutzen.",
    },
    "refused": {
        "en": "The microphone is not allowed here: allow it for this page in the settings of the "
        "browser, then record again.",
        "de": "Das Mikrofon ist hier nicht erlaubt: in den Einstellungen des Browsers für diese Seite "
        "erlauben, dann noch einmal aufnehmen.",
    },
    "missing": {
        "en": "There is no microphone: connect one, then record again.",
        "de": "Es gibt kein Mikrofon: eines anschließen, dann noch einmal aufnehmen.",
    },
    "busy": {
        "en": "The microphone cannot be opened: close other programs that use it, then record again.",
        "de": "Das Mikrofon lässt sich nicht öffnen: andere Programme schließen, die es benutzen, dann "
        "noch einmal aufnehmen.",
    },
    "silent": {
        "en": "Not sent, for the microphone gave silence only: is it muted, covered or unplugged? Record "
        "again.",
        "de": "Nicht gesendet, denn vom Mikrofon kam nur Stille: ist es stumm, verdeckt oder nicht "
        "angeschlossen? Noch einmal aufnehmen.",
    },
    "short": {
        "en": "Not sent, for {} s are too short to tell anything: record at least {} s.",
        "de": "Nicht gesendet, denn {} s sind zu kurz, um etwas zu erkennen: mindestens {} s aufnehmen.",
    },
    "sending": {"en": "sending", "de": "wird gesendet"},
    "analysing": {"en": "stored; being analysed", "de": "gespeichert; wird ausgewertet"},
    "offline": {"en": "the server cannot be reached", "de": "der Server ist nicht erreichbar"},
    "waiting": {
        "en": "Not sent yet: {}. It is kept on this page, and tried again in {} s.",
        "de": "Noch nicht gesendet: {}. Sie bleibt auf dieser Seite; nächster Versuch in {} s.",
    },
    "waiting_result": {
        "en": "Stored, but: {}. Asked again in {} s.",
        "de": "Gespeichert, aber: {}. Nächste Frage in {} s.",
    },
    "not_taken": {"en": "Not taken: {}", "de": "Nicht angenommen: {}"},
    "too_long": {
        "en": "Not taken, for it is too long for this server: download it to keep it, and record a "
        "shorter one.",
        "de": "Nicht angenommen, denn sie ist zu lang für diesen Server: herunterladen, um sie zu "
        "behalten, und kürzer aufnehmen.",
    },
    "signed_out": {
        "en": "Not sent, for you are signed out: sign in on another page, then send it again here.",
        "de": "Nicht gesendet, denn die Anmeldung ist abgelaufen: auf einer anderen Seite anmelden, dann "
        "hier noch einmal senden.",
    },
    "sign_in": {"en": "Sign in", "de": "Anmelden"},
    "again": {"en": "Send again", "de": "Noch einmal senden"},
    "again_changed": {"en": "Send with what is chosen above", "de": "Mit den Angaben von oben senden"},
    "download": {"en": "Download (WAV)", "de": "Herunterladen (WAV)"},
    "open": {"en": "Open the recording", "de": "Aufnahme öffnen"},
    "done": {"en": "analysed", "de": "ausgewertet"},
}


def record_words(language: str) -> dict[str, str]:
    """Return the words in a language by name; `{}` in them stand for what the page fills in."""
    return {name: text_in(texts, language) for name, texts in _WORDS.items()}
