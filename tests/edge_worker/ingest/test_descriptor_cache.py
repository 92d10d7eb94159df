"""Cache of descriptors: the least recently used is closed, and the limit holds."""

import os
from pathlib import Path

import pytest

from edge_worker.ingest import descriptor_cache
from edge_worker.ingest.descriptor_cache import DescriptorCache
from edge_worker.ingest.stream import Stream
from edge_worker.ingest.stream_spool import SEGMENT_S, StreamSpool
from edge_worker.protocol.chunk import LAST, PCM, STREAM, Chunk, encode


def _open_files(below: Path) -> list[str]:
    """Return the files in a directory that this process holds open."""
    links = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    return sorted(path.name for path in links if below in path.parents)


def test_the_least_recently_used_file_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(descriptor_cache, "_MAX_OPEN", 2)
    cache = DescriptorCache()
    first = cache.open("a", tmp_path / "a")
    cache.open("b", tmp_path / "b")
    assert cache.get("a") == first
    cache.open("c", tmp_path / "c")
    assert cache.get("b") is None
    assert _open_files(tmp_path) == ["a", "c"]
    os.write(first, b"1")
    cache.close("a")
    os.write(cache.open("a", tmp_path / "a", is_new=False), b"2")
    assert (tmp_path / "a").read_bytes() == b"12"
    for key in "abc":
        cache.close(key)
    assert not _open_files(tmp_path)


def test_a_stream_holds_one_file_and_none_after_its_end(tmp_path: Path) -> None:
    spool, stream = StreamSpool(tmp_path), Stream("st-01", 7, 0.0)
    count, rate = 8000, 2000
    for number in range(round(3 * SEGMENT_S * rate / count)):
        chunk = Chunk(PCM, STREAM | LAST, 1, rate, 7, number * count, count, bytes(2 * count))
        spool.append(stream, encode(chunk), chunk)
        assert _open_files(tmp_path) == [f"{stream.segments[-1].number:06}.chunks"]
    assert len(stream.segments) == 3
    assert sum(each.sample_count for each in spool.read_chunks(stream)) == 3 * SEGMENT_S * rate
    spool.close(stream)
    assert not _open_files(tmp_path)
