"""Pictures of one recording over HTTP: waveform, spectrogram and MFCC, drawn on request and cached."""

from collections.abc import Callable
from threading import Lock
from typing import Final

from flask import Blueprint, Response, g

from edge_worker.audio_store.sound import Sound
from edge_worker.database.recording_query import RecordingEntry
from edge_worker.errors import AudioError
from history_api import lookup
from history_api.openapi.conditional_request import UNCHANGED, render_with_etag
from history_api.openapi.operation import (
    NOT_FOUND,
    PROBLEM,
    RECORDING_PARAMETERS,
    Paths,
    file_answer,
    get,
    json_answer,
    query,
)
from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import NUMBER, Schema, list_of, ref, strict_object
from history_api.pictures import picture_cache
from history_api.pictures.picture_cache import PictureCache
from history_api.services import services

# Serving results needs no numpy: the drawing modules are imported with the first picture.
# ruff: noqa: PLC0415

Draw = Callable[[Sound], bytes]
SVG: Final = "image/svg+xml"
PNG: Final = "image/png"
GONE: Final[Schema] = {"410": PROBLEM}
_ADDRESS: Final = "/api/v1/recordings/{recording_id}"
_DRAW_LOCK: Final = Lock()
"""One picture is drawn at a time: eight long recordings at once would need eight times the memory."""
HEART_MAX_HZ: Final = 1000
"""Heart sounds lie below this frequency."""
_MAX_HZ: Final[Schema] = {"type": "integer", "minimum": 500, "maximum": 8000, "default": HEART_MAX_HZ}
blueprint = Blueprint("recording_pictures", __name__, url_prefix="/api/v1/recordings/<recording_id>")


def _answers(media_type: str) -> Schema:
    return {"200": file_answer(media_type, "The picture.")} | UNCHANGED | GONE | NOT_FOUND


PATHS: Final[Paths] = {
    f"{_ADDRESS}/waveform.svg": get(
        "its waveform, with S1 and S2 marks and gaps", "waveform", _answers(SVG), RECORDING_PARAMETERS
    ),
    f"{_ADDRESS}/spectrogram.png": get(
        "its spectrogram in dB",
        "spectrogram",
        _answers(PNG),
        (
            *RECORDING_PARAMETERS,
            query("max_hz", _MAX_HZ, "highest frequency shown, Hz; heart sounds lie below 1000"),
        ),
    ),
    f"{_ADDRESS}/mfcc.png": get("its MFCC", "mfcc", _answers(PNG), RECORDING_PARAMETERS),
    f"{_ADDRESS}/peaks.json": get(
        "its waveform as numbers, for programs that draw it: few, however long it is",
        "peaks",
        {"200": json_answer(ref("Peaks"))} | UNCHANGED | GONE | NOT_FOUND,
        RECORDING_PARAMETERS,
    ),
}
SCHEMAS: Final[dict[str, Schema]] = {
    "Peaks": strict_object(
        {
            "start_s": NUMBER | {"description": "second of the recording with which the kept sound begins"},
            "duration_s": NUMBER | {"description": "of the kept sound"},
            "low": list_of(NUMBER) | {"description": "lowest value of each column, full scale is 1"},
            "high": list_of(NUMBER) | {"description": "highest value of each column"},
            "s1_s": list_of(NUMBER)
            | {"description": "onsets of S1, seconds from the start of the recording"},
            "s2_s": list_of(NUMBER),
            "gaps_s": list_of({"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}),
        }
    ),
}


@blueprint.get("/waveform.svg")
def waveform_svg(recording_id: str) -> Response:
    """Answer the waveform; its marks come from the result, so it changes when the analysis is done."""
    entry = lookup.recording(recording_id)
    return _picture(entry, "waveform.svg", SVG, lambda sound: _draw_waveform(entry, sound), entry.document)


@blueprint.get("/spectrogram.png")
def spectrogram_png(recording_id: str) -> Response:
    """Answer the spectrogram up to `max_hz`."""
    return spectrogram_of(lookup.recording(recording_id), g.query["max_hz"])


def spectrogram_of(entry: RecordingEntry, max_hz: int) -> Response:
    """Answer the spectrogram of a recording up to `max_hz`."""
    sound = lookup.sound(entry)
    name = _file_name(entry, "spectrogram.png", max_hz)
    return render_with_etag(name, PNG, lambda: cached_spectrogram(entry, sound, max_hz))


@blueprint.get("/mfcc.png")
def mfcc_png(recording_id: str) -> Response:
    """Answer the MFCC as a heat map."""
    entry = lookup.recording(recording_id)
    return _picture(entry, "mfcc.png", PNG, lambda sound: _draw_mfcc(entry, sound))


@blueprint.get("/peaks.json")
def peaks_json(recording_id: str) -> Response:
    """Answer the waveform as numbers, with its marks."""
    entry = lookup.recording(recording_id)
    return _picture(
        entry, "peaks.json", "application/json", lambda sound: _read_peaks(entry, sound), entry.document
    )


def _picture(entry: RecordingEntry, kind: str, media_type: str, draw: Draw, *also: object) -> Response:
    """Answer a picture of `entry`, drawn or from the cache; `also` is what it shows beside the audio."""
    sound = lookup.sound(entry)
    name = _file_name(entry, kind, *also)
    return render_with_etag(name, media_type, lambda: _cached(name, lambda: draw(sound)))


def cached_spectrogram(entry: RecordingEntry, sound: Sound, max_hz: int) -> bytes:
    """Return the spectrogram as PNG, drawn or from the cache."""
    name = _file_name(entry, "spectrogram.png", max_hz)
    return _cached(name, lambda: _draw_spectrogram(entry, sound, max_hz))


def _file_name(entry: RecordingEntry, kind: str, *also: object) -> str:
    return picture_cache.file_name(
        entry.audio_sha256, kind, entry.device_id, entry.recording_id, entry.audio_start, *also
    )


def _cached(name: str, draw: Callable[[], bytes]) -> bytes:
    cache = PictureCache.from_settings(services().settings)
    with _DRAW_LOCK:
        content = cache.read(name)
        if content is None:
            try:
                content = draw()
            except AudioError as error:
                raise ProblemError(
                    410, f"the audio file of this recording is damaged ({error}); its result is still here"
                ) from error
            cache.put(name, content)
    return content


def _draw_waveform(entry: RecordingEntry, sound: Sound) -> bytes:
    from history_api.pictures import wav_reader, waveform

    envelope = wav_reader.read_envelope(sound, waveform.COLUMNS, entry.audio_start_s)
    return waveform.svg(
        _title(entry), envelope, waveform.Marks.from_result(entry, lookup.result(entry))
    ).encode()


def _read_peaks(entry: RecordingEntry, sound: Sound) -> bytes:
    from history_api.pictures import peaks
    from history_api.pictures.waveform import Marks

    return peaks.document(sound, entry.audio_start_s, Marks.from_result(entry, lookup.result(entry)))


def _draw_spectrogram(entry: RecordingEntry, sound: Sound, max_hz: int) -> bytes:
    from history_api.pictures import spectrogram, wav_reader

    samples = wav_reader.read_samples(sound, 2 * max_hz)
    return spectrogram.spectrogram(_title(entry), samples, 2 * max_hz, entry.audio_start_s)


def _draw_mfcc(entry: RecordingEntry, sound: Sound) -> bytes:
    from history_api.pictures import spectrogram, wav_reader

    samples = wav_reader.read_samples(sound, spectrogram.MFCC_RATE)
    return spectrogram.mfcc_map(_title(entry), samples, entry.audio_start_s)


def _title(entry: RecordingEntry) -> str:
    return f"{entry.device_id} {entry.recording_id}, {entry.captured_at}"
