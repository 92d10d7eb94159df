"""Words of the pages about subjects, in the languages of people."""

from typing import Final

from edge_worker.protocol.meaning import Texts, text_in

_WORDS: Final[dict[str, Texts]] = {
    "subject": {"en": "Subject", "de": "Person"},
    "subjects": {"en": "Subjects", "de": "Personen"},
    "find": {"en": "Find a subject", "de": "Eine Person suchen"},
    "more": {"en": "More", "de": "Weitere"},
    "none": {
        "en": "No recording says whose sound it is.",
        "de": "Keine Aufnahme sagt, von wem sie ist.",
    },
    "stored": {"en": "What is stored", "de": "Was gespeichert ist"},
    "recordings": {"en": "Recordings", "de": "Aufnahmen"},
    "analysing": {"en": "being analysed", "de": "in Auswertung"},
    "sound": {"en": "Sound", "de": "Ton"},
    "reviews": {"en": "Reviews", "de": "Durchsichten"},
    "exams": {"en": "Exams", "de": "Untersuchungen"},
    "clips": {"en": "Clips for training", "de": "Ausschnitte zum Trainieren"},
    "devices": {"en": "Stethoscopes", "de": "Stethoskope"},
    "first": {"en": "First received", "de": "Zuerst empfangen"},
    "last": {"en": "Last received", "de": "Zuletzt empfangen"},
    "show": {"en": "Show the recordings", "de": "Aufnahmen zeigen"},
    "export": {"en": "Export everything (zip)", "de": "Alles ausgeben (zip)"},
    "what_export": {
        "en": "All results, reviews and exams as JSON, and all sound as WAV.",
        "de": "Alle Ergebnisse, Durchsichten und Untersuchungen als JSON, aller Ton als WAV.",
    },
    "delete": {"en": "Delete", "de": "Löschen"},
    "delete_all": {"en": "Delete everything of this subject…", "de": "Alles von dieser Person löschen…"},
    "really": {"en": "Delete everything of this subject?", "de": "Alles von dieser Person löschen?"},
    "what_delete": {
        "en": "All recordings with their sound, results and reviews, and all clips for training are deleted "
        "for good. Copies that were made before, such as backups, stay: ask who looks after this site.",
        "de": "Alle Aufnahmen mit Ton, Ergebnissen und Durchsichten und alle Ausschnitte zum Trainieren "
        "werden endgültig gelöscht. Frühere Kopien, etwa Sicherungen, bleiben: wer die Anlage betreut, "
        "kennt sie.",
    },
    "keep": {"en": "Keep it", "de": "Behalten"},
    "deleted": {"en": "Deleted", "de": "Gelöscht"},
    "not_deleted": {"en": "Not all is deleted", "de": "Nicht alles ist gelöscht"},
    "whose": {"en": "Whose sound", "de": "Von wem"},
    "nobody": {
        "en": "This recording does not say whose sound it is.",
        "de": "Diese Aufnahme sagt nicht, von wem sie ist.",
    },
    "is_demanded": {"en": "This site wants to know it.", "de": "Hier wird das verlangt."},
    "by_assignment": {
        "en": "as the stethoscope was set",
        "de": "wie das Stethoskop eingestellt war",
    },
    "by_operator": {"en": "said afterwards by a person", "de": "nachträglich angegeben"},
    "pseudonym": {"en": "Pseudonym, such as P-0042", "de": "Pseudonym, etwa P-0042"},
    "save": {"en": "Save", "de": "Speichern"},
    "not_saved": {"en": "Not saved", "de": "Nicht gespeichert"},
    "next": {"en": "Whose the next recordings are", "de": "Von wem die nächsten Aufnahmen sind"},
    "next_help": {
        "en": "Until it ends, or another is set. A recording that names somebody itself is not changed.",
        "de": "Bis es endet oder jemand anders eingestellt wird. Eine Aufnahme, die selbst jemanden nennt, "
        "bleibt, wie sie ist.",
    },
    "now_of": {"en": "Recordings are now of", "de": "Aufnahmen sind jetzt von"},
    "until": {"en": "until", "de": "bis"},
    "set_by": {"en": "set by", "de": "eingestellt von"},
    "of_nobody": {"en": "Nobody is set.", "de": "Niemand ist eingestellt."},
    "minutes": {"en": "For how many minutes", "de": "Für wie viele Minuten"},
    "begin": {"en": "Begin", "de": "Beginnen"},
    "end": {"en": "End now", "de": "Jetzt beenden"},
    "without": {
        "en": "Recordings that do not say whose they are",
        "de": "Aufnahmen, die nicht sagen, von wem sie sind",
    },
    "back": {"en": "Back to the history", "de": "Zurück zum Verlauf"},
}


def say(name: str, language: str) -> str:
    """Return a word or sentence of these pages in a language."""
    return text_in(_WORDS[name], language)
