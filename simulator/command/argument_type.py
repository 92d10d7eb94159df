"""Types of command line values: each function converts one argument or raises `ArgumentTypeError`."""

import argparse

from edge_worker.protocol.chunk import MAX_RATE_HZ, MIN_RATE_HZ
from edge_worker.protocol.meta import MAX_MODEL_NAME, MAX_MODELS, MAX_SITE
from edge_worker.protocol.topics import DEVICE_ID, EXAM_ID
from simulator.sound.heartbeat import MAX_BPM, MIN_BPM


def device_id(text: str) -> str:
    """Return `text` if it is a device id."""
    if not DEVICE_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a device id; use 1 to 32 of a-z, 0-9 and -")
    return text


def names(text: str) -> tuple[str, ...]:
    """Return the comma separated parts of `text`: at most as many, and as long, as META allows."""
    parts = tuple(name.strip() for name in text.split(",") if name.strip())
    if len(parts) > MAX_MODELS or any(len(name) > MAX_MODEL_NAME for name in parts):
        raise argparse.ArgumentTypeError(f"at most {MAX_MODELS} names of {MAX_MODEL_NAME} characters")
    return parts


def site(text: str) -> str:
    """Return `text` if META allows it as an auscultation site."""
    if len(text) > MAX_SITE or not text.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is not a text of at most {MAX_SITE} characters")
    return text


def exam_id(text: str) -> str:
    """Return `text` if it is an exam id."""
    if not EXAM_ID.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an exam id; use 1 to 32 of a-z, 0-9 and -")
    return text


def positive(text: str) -> int:
    """Return `text` as a whole number of at least 1."""
    return _whole(text, 1, 2**32)


def count(text: str) -> int:
    """Return `text` as a whole number of at least 0."""
    return _whole(text, 0, 2**32)


def port(text: str) -> int:
    """Return `text` as a TCP port."""
    return _whole(text, 1, 65_535)


def sample_rate(text: str) -> int:
    """Return `text` as a sample rate of the protocol, Hz."""
    return _whole(text, MIN_RATE_HZ, MAX_RATE_HZ)


def probability(text: str) -> float:
    """Return `text` as a number of 0 to 1."""
    return _number(text, 0.0, 1.0)


def seconds(text: str) -> float:
    """Return `text` as a duration of up to a day, seconds."""
    return _number(text, 0.0, 86_400.0)


def sound_seconds(text: str) -> float:
    """Return `text` as the length of a sound that is held in memory, seconds."""
    return _number(text, 0.0, 600.0)


def decibels(text: str) -> float:
    """Return `text` as a level relative to full scale, dBFS."""
    return _number(text, -200.0, 0.0)


def heart_rate(text: str) -> float:
    """Return `text` as a heart rate, beats per minute."""
    return _number(text, MIN_BPM, MAX_BPM)


def _whole(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of {least} to {most}")
    return int(text)


def _number(text: str, least: float, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of {least:g} to {most:g}")
    return number
