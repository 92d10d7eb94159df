"""Waveform of a recording as numbers: lowest and highest value of columns, few enough for a phone."""

from typing import Final

from edge_worker.audio_store.sound import Sound
from edge_worker.protocol import strict_json
from history_api.pictures import wav_reader
from history_api.pictures.waveform import Marks

_PER_S: Final = 200
"""Columns a second: a heart sound of 0.1 s has twenty."""
_MOST: Final = 12_000


def document(sound: Sound, start_s: float, marks: Marks) -> bytes:
    """Return the document `Peaks` of a WAV file, which begins `start_s` after the start of its recording.

    Raises:
        AudioError: the file cannot be read, or is not 16-bit PCM.
    """
    envelope = wav_reader.read_envelope(sound, _MOST, start_s, per_s=_PER_S)
    return strict_json.write(
        {
            "start_s": start_s,
            "duration_s": envelope.duration_s,
            "low": [round(float(each), 4) for each in envelope.low],
            "high": [round(float(each), 4) for each in envelope.high],
            "s1_s": list(marks.s1_s),
            "s2_s": list(marks.s2_s),
            "gaps_s": [list(each) for each in marks.gaps_s],
        }
    ).encode()
