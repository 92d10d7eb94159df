"""Conversion of sound files that libsndfile does not read, by ffmpeg where it is installed."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from edge_worker.sound_files.sound_file_error import SoundFileError, truncated

FORMATS: Final = "wav, mp3, ogg, flac, m4a or webm"
_WITHIN_S: Final = 60
DEMUXERS: Final = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,flac,matroska,mov,mp3,mpeg,mpegts,ogg,tta,voc,w64,wav,wv"
)
"""No playlists and no lists of files: those would read what somebody else stored."""
_TOLERANCE_S: Final = 0.5
"""Packets at the start and the end of a file may hold no sound."""
_DURATION: Final = re.compile(rb"Duration: (\d+):(\d\d):(\d\d\.\d+)")
_TAG: Final = re.compile(rb"DURATION +: (\d+):(\d\d):(\d\d\.\d+)")
"""Of the sound alone, as Matroska has it."""
_GUESSED: Final = b"Estimating duration from bitrate"


def convert(file: Path, target: Path, max_s: float) -> float:
    """Convert the first sound in `file` to WAV, at most `max_s` seconds; return its least length, seconds.

    ffmpeg may open local files only, and no lists of others.

    Raises:
        SoundFileError: ffmpeg is not here or cannot decode all of it.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise SoundFileError(
            "unknown", "is no wav, mp3, ogg or flac; ffmpeg, which decodes others, is not installed here"
        )
    command = [program, "-nostdin", "-hide_banner", "-nostats", "-xerror", "-protocol_whitelist", "file"]
    command += ["-format_whitelist", DEMUXERS, "-i", f"file:{file}", "-map", "0:a:0", "-t", f"{max_s:g}"]
    command += ["-c:a", "pcm_s16le", "-f", "wav", "-y", f"file:{target}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_WITHIN_S, check=False)
    except subprocess.TimeoutExpired:
        raise SoundFileError("damaged", f"takes more than {_WITHIN_S} s to decode; send WAV") from None
    about_input = done.stderr.partition(b"Stream mapping:")[0]
    if about_input.count(b": Audio: ") > 1:
        raise SoundFileError("damaged", "holds several sound tracks; send one of them")
    if done.returncode == 0:
        return min(_stated_s(about_input), max_s) - _TOLERANCE_S
    if b"moov atom not found" in done.stderr:
        raise SoundFileError(
            "damaged", "was not finished, its index is missing; stop the recorder before you send"
        )
    if b"Output #0" in done.stderr:  # it began to decode
        raise truncated()
    raise SoundFileError("unknown", f"is no sound that can be decoded; use {FORMATS}")


def _stated_s(about_input: bytes) -> float:
    """Return how long the sound is by the header of its file, seconds; 0: it does not say."""
    found = _TAG.search(about_input.partition(b": Audio: ")[2])
    # A film may be longer than its sound.
    if found is None and _GUESSED not in about_input and about_input.count(b"Stream #0:") == 1:
        found = _DURATION.search(about_input)
    if found is None:
        return 0.0
    hours, minutes, seconds = (float(part) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds
