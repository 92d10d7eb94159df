"""German sentences of reports and pages, by the English ones that the program says."""

# ruff: noqa: E501 - a sentence stays in one piece

from typing import Final

from edge_worker.protocol.exam import LABEL_RULE
from edge_worker.protocol.exam_evidence import SURE_ABNORMAL, SURE_NORMAL
from edge_worker.protocol.verdict_words import ADVICE
from history_api.pictures.notice import LABEL_NOTICE

_HINTS: Final = {
    **{texts["en"]: texts["de"] for texts in ADVICE.values()},
    "nothing was recorded here": "hier wurde nichts aufgenommen",
    "it is still being analysed": "sie wird noch ausgewertet",
    "it is of another subject: begin a new exam": "sie ist von einer anderen Person: neue Untersuchung beginnen",
    "a person rejected the result: record again": "eine Person hat das Ergebnis verworfen: noch einmal aufnehmen",
}
_WORDS: Final[dict[str, str]] = {
    "page {number} of {pages}": "Seite {number} von {pages}",
    "report of": "Bericht vom",
    "Report of a recording": "Bericht über eine Aufnahme",
    "Report of an exam": "Bericht über eine Untersuchung",
    "Report of device {device}": "Bericht über das Gerät {device}",
    "Recording": "Aufnahme",
    "{recording} of device {device}": "{recording} des Geräts {device}",
    "Subject": "Person",
    "File": "Datei",
    "Captured": "Aufgenommen",
    "Site": "Stelle",
    "not given": "nicht angegeben",
    "Sound": "Ton",
    "{length} s at {rate} Hz, mono": "{length} s mit {rate} Hz, mono",
    "{length} s at {rate} Hz, two channels": "{length} s mit {rate} Hz, zwei Kanäle",
    "Kept": "Aufbewahrt",
    "Completeness": "Vollständigkeit",
    "complete": "vollständig",
    "; ended early: the stethoscope lost power": "; früh beendet: dem Stethoskop ging der Strom aus",
    "partial: {lost} s did not arrive ({gaps})": "unvollständig: {lost} s kamen nicht an ({gaps})",
    "{begin} to {end} s": "{begin} bis {end} s",
    "{listed} and {more} more": "{listed} und {more} weitere",
    "Review": "Durchsicht",
    "none: no person has confirmed or rejected this result": (
        "keine: niemand hat dieses Ergebnis bestätigt oder verworfen"
    ),
    "{verdict} by {reviewer}, {time}": "{verdict} von {reviewer}, {time}",
    "confirmed": "bestätigt",
    "rejected": "verworfen",
    "corrected": "berichtigt",
    "Known by other means": "Anderweitig bekannt",
    "normal": "normal",
    "abnormal": "auffällig",
    "Note": "Notiz",
    "{note} … (the page of the recording has all of it)": "{note} … (ganz auf der Seite der Aufnahme)",
    ", confidence {share}": ", Sicherheit {share}",
    "Result": "Ergebnis",
    "None yet: the recording is being analysed.": "Noch keines: die Aufnahme wird ausgewertet.",
    "being analysed": "wird ausgewertet",
    "Heart rate": "Herzfrequenz",
    "cannot tell": "nicht zu erkennen",
    "{rate} beats per minute": "{rate} Schläge pro Minute",
    "{rate} beats per minute (median)": "{rate} Schläge pro Minute (Median)",
    "Quality": "Qualität",
    "Reason": "Grund",
    "usable": "brauchbar",
    "not usable": "nicht brauchbar",
    "score {score} of 1": "Wert {score} von 1",
    "signal to noise {decibels} dB": "Rauschabstand {decibels} dB",
    "{share} of the samples at full scale": "{share} der Abtastwerte am Anschlag",
    "Bars: probability. Line across them: threshold from which a label is accepted.": (
        "Balken: Wahrscheinlichkeit. Linie darüber: Schwelle, ab der ein Label angenommen wird."
    ),
    "all other labels": "alle anderen",
    "{label} ({share}, accepted)": "{label} ({share}, angenommen)",
    "cannot tell (likeliest {label}, {share}; accepted from {threshold} on, of usable sound)": (
        "nicht zu erkennen (am ehesten {label}, {share}; angenommen ab {threshold}, bei brauchbarem Ton)"
    ),
    "cannot tell (likeliest {label}, {share}; none is accepted on this stethoscope until known hearts prove it right by a calibration)": (
        "nicht zu erkennen (am ehesten {label}, {share}; auf diesem Stethoskop wird nichts angenommen, bis bekannte Herzen es bei einer Kalibrierung bestätigen)"
    ),
    "Waveform and spectrogram": "Wellenform und Spektrogramm",
    "The audio file was removed or is damaged; the result above was made before that.": (
        "Die Tondatei wurde entfernt oder ist beschädigt; das Ergebnis oben ist von vorher."
    ),
    "S1 above, S2 below: onsets of the heart sounds that the worker detected.": (
        "S1 oben, S2 unten: Beginn der Herztöne, die erkannt wurden."
    ),
    " Hatched: sound that did not arrive.": " Schraffiert: Ton, der nicht ankam.",
    "Spectrogram": "Spektrogramm",
    "Provenance": "Herkunft",
    "Model {model}": "Modell {model}",
    "Audio": "Tondatei",
    "Analysed": "Ausgewertet",
    "not yet": "noch nicht",
    "Software": "Software",
    "by the clock of the device": "nach der Uhr des Geräts",
    "uncertain: the clock of this site was wrong": "unsicher: die Uhr dieses Standorts ging falsch",
    "when it was received": "beim Empfang",
    " (corrected: a wrong clock said {time})": " (berichtigt: eine falsche Uhr sagte {time})",
    "no sound of this stream is kept, as this site is set up": (
        "kein Ton dieses Streams wird aufbewahrt, so ist dieser Standort eingestellt"
    ),
    "only the end, from {begin} to {end} s; the sound before that is not kept": (
        "nur das Ende, von {begin} bis {end} s; der Ton davor ist nicht aufbewahrt"
    ),
    "Positions": "Stellen",
    "position": "Stelle",
    "label": "Antwort",
    "evidence": "spricht",
    "models": "Modelle",
    "bpm": "1/min",
    "recording": "Aufnahme",
    "review": "Durchsicht",
    "captured": "aufgenommen",
    "site": "Stelle",
    "answer": "Antwort",
    "At {site}": "Bei {site}",
    "a site that was not given": "einer Stelle, die nicht angegeben wurde",
    "site not given": "Stelle nicht angegeben",
    "One position alone makes it so: {position}.": "Eine Stelle allein macht es aus: {position}.",
    "Exam": "Untersuchung",
    "{exam} of device {device}": "{exam} des Geräts {device}",
    "{first} to {last}": "{first} bis {last}",
    "{usable} of {all} usable, {recordings} recordings": "{usable} von {all} brauchbar, {recordings} Aufnahmen",
    "Missing": "Es fehlen",
    "none": "keine",
    "Evidence": "Zusammen",
    "Rule": "Regel",
    "aortic": "Aorta",
    "pulmonary": "Pulmonalis",
    "tricuspid": "Trikuspidalis",
    "mitral": "Mitralis",
    "under 1 %": "unter 1 %",
    "over 99 %": "über 99 %",
    "{count} positions together": "{count} Stellen zusammen",
    "One position": "Eine Stelle",
    "{who}: abnormal {abnormal}, normal {normal}": "{who}: auffällig {abnormal}, normal {normal}",
    "says little": "sagt wenig",
    "for normal": "für normal",
    "for abnormal": "für auffällig",
    "strongly for normal": "klar für normal",
    "strongly for abnormal": "klar für auffällig",
    "missing": "fehlt",
    "not sure alone": "allein unsicher",
    "Seen from the front. Check mark: normal; !: abnormal; ?: not sure alone; dash: missing.": (
        "Von vorn gesehen. Haken: normal; !: auffällig; ?: allein unsicher; Strich: fehlt."
    ),
    "Last recordings: {shown}": "Letzte Aufnahmen: {shown}",
    "Recordings: none": "Aufnahmen: keine",
    "No recording of this device is stored here.": "Von diesem Gerät ist hier keine Aufnahme gespeichert.",
    "The last {shown} of {all}; {left} older ones are left out: /api/v1/results.csv has all.": (
        "Die letzten {shown} von {all}; {left} ältere sind weggelassen: /api/v1/results.csv hat alle."
    ),
    "{right}, not {said}": "{right}, nicht {said}",
    "models disagree": "Modelle uneins",
    "The newest recording": "Die neueste Aufnahme",
    "Shown as ?, because this report has no letters for them: {letters}. The dashboard shows them.": (
        "Als ? gezeigt, weil dieser Bericht keine Zeichen dafür hat: {letters}. Das Dashboard zeigt sie."
    ),
    "Install {packages} where the API runs to have them printed.": (
        "Dafür {packages} installieren, wo die API läuft."
    ),
}
_AGREEMENT: Final[dict[str, str]] = {
    "How often reviewers confirm what a model says, by the date of the review. In brackets: the 95 % interval. Reviewers choose what they look at, so this is no accuracy.": (
        "Wie oft bei der Durchsicht bestätigt wird, was ein Modell sagt, nach dem Datum der Durchsicht. In Klammern: das 95-%-Intervall. Wer durchsieht, wählt aus, was; eine Genauigkeit ist das nicht."
    ),
    "by month": "nach Monaten",
    "by week": "nach Wochen",
    "{low} to {high}": "{low} bis {high}",
    "Share of confirmed labels, over time": "Anteil der bestätigten Antworten im Lauf der Zeit",
    "{confirmed} of {reviews} reviewed labels confirmed:": "{confirmed} von {reviews} durchgesehenen Antworten bestätigt:",
    "By time and version": "Nach Zeit und Version",
    "Month": "Monat",
    "Week": "Woche",
    "Version": "Version",
    "Reviews": "Durchsichten",
    "Confirmed": "Bestätigt",
    "Rejected": "Verworfen",
    "Corrected": "Berichtigt",
    "Could not tell": "Unklar",
    "Agreement": "Anteil",
    "What the model said, and what reviewers say": "Was das Modell sagte, und was die Durchsicht sagt",
    "Model": "Modell",
    "Reviewers": "Durchsicht",
    "not that": "das nicht",
    "the same": "dasselbe",
    "Nobody has reviewed the label of a model yet. The page of a recording has a form for it.": (
        "Noch niemand hat die Antwort eines Modells durchgesehen. Auf der Seite einer Aufnahme geht das."
    ),
}
SENTENCES: Final[dict[str, str]] = {
    **_HINTS,
    **_WORDS,
    **_AGREEMENT,
    LABEL_NOTICE: "Labels beschreiben einen Ton: keine Diagnose. Für Forschung und Lehre, kein Medizinprodukt.",
    LABEL_RULE: (
        f"Auffällig: die Stellen zusammen sind zu mindestens {100 * SURE_ABNORMAL:.0f} % auffällig, oder ein anderes "
        "Modell ist sich bei einer solchen Stelle sicher, und dort widerspricht nichts. Normal: alle vier Stellen "
        f"wurden gehört, zusammen sind sie zu mindestens {100 * SURE_NORMAL:.0f} % normal, und keine ist auffällig. "
        "Sonst ist es nicht zu erkennen. Eine einzelne Stelle sagt, worin sich ihre Modelle sicher sind. Bei jeder "
        "Stelle zählt die zuletzt gespeicherte Aufnahme, wenn sie brauchbar ist."
    ),
}
