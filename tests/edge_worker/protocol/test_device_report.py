"""Reports of a device: the states that exist, and what half-written firmware sends instead."""

import pytest

from edge_worker.protocol.device_report import MAX_BOOT, MAX_BYTES, STATES, parse_facts, parse_state
from edge_worker.protocol.strict_json import JsonError


def test_the_states_of_the_protocol_are_read() -> None:
    assert [parse_state(f'{{"state":"{each}","boot":"9f3a"}}'.encode()).state for each in STATES] == list(
        STATES
    )
    assert [each for each in STATES if parse_state(f'{{"state":"{each}"}}'.encode()).is_online] == [
        "online",
        "recording",
    ]
    assert parse_state(b'{"state":"online"}').boot is None


def test_other_keys_are_ignored() -> None:
    state = parse_state(b'{"state":"lost","boot":"a","device_id":"st-01","info":[1]}')
    assert state == ("lost", "a")


@pytest.mark.parametrize(
    "payload",
    [
        *(b"online", b'"online"', b"null", b"", b"[1]", b"5", b"\xff\xfe\x00", b"[" * 60_000),
        *(b'{"state":null}', b'{"state":["online"],"boot":{}}', b'{"state":5}', b'{"state":{"a":1}}'),
        *(b'{"state":"Online"}', b'{"state":"<script>alert(1)</script>"}', b'{"state":"\\ud800"}'),
        *(b'{"state":"online","boot":1e999}', b'{"state":"online","x":NaN}', b'{"state":"online","boot":5}'),
        b'{"state":"online","n":' + b"9" * 4000 + b"}",
        b'{"state":"online","boot":"' + b"x" * (MAX_BOOT + 1) + b'"}',
        b'{"state":"online","x":"' + b"x" * MAX_BYTES + b'"}',
    ],
)
def test_what_is_no_state_is_refused(payload: bytes) -> None:
    with pytest.raises(JsonError):
        parse_state(payload)


def test_facts_are_any_object_within_the_bound() -> None:
    assert parse_facts(b'{"formats":["s16le"],"rssi":-61}') == {"formats": ["s16le"], "rssi": -61}
    for payload in (b"[1,2]", b"temp=3", b'{"a":NaN}', b'{"a":"' + b"x" * MAX_BYTES + b'"}'):
        with pytest.raises(JsonError):
            parse_facts(payload)
