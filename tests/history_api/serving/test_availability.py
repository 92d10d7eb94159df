"""Clients that hold on to the API: it answers everybody else all the same, and ends what they hold."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from archive import Archive
from conftest import wait_until
from limited_server import (
    LimitedServer,
    answer_of,
    drip_until_closed,
    get_request,
    is_closed,
    limited,
    post_request,
    with_many_results,
)
from upload_site import WITHIN_S

from edge_worker.database.access.api_key import ApiKeys

UNENDED = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-a: "
IMPATIENT = {"patience_s": 1.0, "bytes_per_s": 1000.0}
KEYS = {"STETHO_API_AUTH": "keys", "STETHO_API_LONG": "2"}


@pytest.mark.parametrize("begin", [UNENDED, b""], ids=["headers that never end", "nothing is sent"])
def test_an_address_that_holds_connections_loses_its_own_and_is_still_answered(
    tmp_path: Path, begin: bytes
) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {"per_address": 8, "idle_s": 600.0}) as server:
        held = [server.connect(begin) for _ in range(40)]
        for _ in range(5):
            assert server.is_live()
        assert server.gauge("stetho_http_connections") <= 8
        assert server.gauge("stetho_http_dropped_connections_total") >= 32
        assert is_closed(held[0]), "the oldest go first"


def test_a_whole_server_full_of_idle_connections_still_answers(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {"connections": 8, "idle_s": 600.0}) as server:
        _held = [server.connect(UNENDED) for _ in range(40)]
        assert server.is_live()


def test_headers_that_drip_are_ended_by_age(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {"idle_s": 1.0}) as server:
        assert drip_until_closed(server.connect(UNENDED), b"b") == b""
        after_an_answer = server.connect(get_request("/livez"))
        assert answer_of(after_an_answer)[0] == 200
        assert drip_until_closed(after_an_answer, b"G") == b"", "a second request that never comes"


def test_a_connection_that_is_served_is_not_taken_for_an_idle_one(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {"per_address": 2, "idle_s": 1.0}) as server:
        stream = server.connect(get_request("/api/v1/stream?seconds=3"))
        assert stream.recv(12) == b"HTTP/1.1 200"
        for _ in range(10):
            server.connect(UNENDED)
        received = b""
        while not received.endswith(b"\r\n0\r\n\r\n"):
            received += stream.recv(1 << 16)


def test_bodies_that_drip_are_answered_408_and_hold_no_thread(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {"threads": 2, **IMPATIENT}) as server:
        form = "Content-Type: application/x-www-form-urlencoded"
        for length in ("Content-Length: 60000", "Transfer-Encoding: chunked"):
            begin = post_request("/login", form, length) + (b"ea60\r\n" if "chunked" in length else b"")
            held = [server.connect(begin + b"key=") for _ in range(10)]
            assert server.is_live()
            answer = drip_until_closed(held[0], b"a")
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"application/problem+json" in answer


def test_uploads_that_drip_have_a_share_and_are_answered_408(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, IMPATIENT, STETHO_API_LONG="1") as server:
        kind = "Content-Type: multipart/form-data; boundary=x"
        part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        upload = post_request("/predict", kind, "Content-Length: 10000000") + part
        held = [server.connect(upload) for _ in range(2)]
        wait_until(lambda: server.gauge("stetho_http_long_requests") == 2, "two uploads under way")
        assert answer_of(server.connect(upload))[0] == 429
        assert server.is_live()
        assert [drip_until_closed(each, b"a")[:13] for each in held] == [b"HTTP/1.1 408 "] * 2


def test_a_body_larger_than_a_socket_buffer_arrives_whole(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {}) as server, ThreadPoolExecutor(4) as clients:
        body = b"key=" + b"x" * 65_000
        form = "Content-Type: application/x-www-form-urlencoded"

        def post(_number: int) -> int:
            client = server.connect(post_request("/login", form, f"Content-Length: {len(body)}"))
            for begin in range(0, len(body), 7000):
                client.sendall(body[begin : begin + 7000])
            return answer_of(client)[0]

        assert list(clients.map(post, range(8))) == [401] * 8


def test_event_streams_have_a_share_per_key(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    keys = ApiKeys(archive.settings.database)
    ann, bob, cleo = (keys.add(name, "operator") for name in ("ann", "bob", "cleo"))
    with limited(tmp_path, {}, **KEYS) as server:
        held = [server.connect(get_request("/api/v1/stream", ann)) for _ in range(2)]
        assert [each.recv(12) for each in held] == [b"HTTP/1.1 200"] * 2
        refused = server.get("/api/v1/stream", ann)
        assert refused.status_code == 429
        assert refused.json()["detail"].startswith("2 event streams, exports")
        assert int(refused.headers["Retry-After"]) > 0
        assert server.get("/api/v1/results.csv", ann).status_code == 429, "one share for all that is long"
        assert server.get("/api/v1/results", ann).status_code == 200
        assert server.get("/api/v1/stream?seconds=1", bob).status_code == 200
        held += [server.connect(get_request("/api/v1/stream", bob)) for _ in range(2)]
        assert [each.recv(12) for each in held[2:]] == [b"HTTP/1.1 200"] * 2
        assert server.get("/api/v1/stream", cleo).status_code == 429, "the address has its share, too"
        assert server.is_live()
        for each in held:
            each.close()
        wait_until(lambda: server.get("/api/v1/stream?seconds=1", ann).status_code == 200, "a free share")


def test_behind_a_trusted_proxy_each_client_has_a_share(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {}, STETHO_API_LONG="1", STETHO_API_PROXY="1") as server:
        held = [
            server.connect(get_request("/api/v1/stream", "", f"X-Forwarded-For: 10.0.0.{number}"))
            for number in (1, 1, 2, 2, 3)
        ]
        assert [each.recv(12) for each in held] == [b"HTTP/1.1 200"] * 5
        refused = server.get("/api/v1/stream", **{"X-Forwarded-For": "10.0.0.1"})
        assert (refused.status_code, "of your address" in refused.json()["detail"]) == (429, True)
        assert server.get("/api/v1/stream?seconds=1", **{"X-Forwarded-For": "10.0.0.4"}).status_code == 200


def test_without_a_trusted_proxy_nobody_takes_the_share_of_another_address(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {}, STETHO_API_LONG="1") as server:
        held = [
            server.connect(get_request("/api/v1/stream", "", f"X-Forwarded-For: 10.0.0.{number}"))
            for number in (1, 2)
        ]
        assert [each.recv(12) for each in held] == [b"HTTP/1.1 200"] * 2
        assert server.get("/api/v1/stream", **{"X-Forwarded-For": "10.0.0.3"}).status_code == 429


def test_all_together_have_a_bound_with_503(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {}, STETHO_API_LONG="1", STETHO_API_PROXY="1") as server:
        held = [
            server.connect(get_request("/api/v1/stream", "", f"X-Forwarded-For: 10.0.0.{number}"))
            for number in range(8)
        ]
        assert [each.recv(12) for each in held] == [b"HTTP/1.1 200"] * 8
        refused = server.get("/api/v1/stream", **{"X-Forwarded-For": "10.0.0.100"})
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        assert server.is_live()


def test_exports_that_nobody_reads_hold_no_thread_and_are_ended(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with_many_results(archive, 2000)
    key = ApiKeys(archive.settings.database).add("ann", "operator")
    with limited(tmp_path, {"threads": 2, **IMPATIENT}, **{**KEYS, "STETHO_API_LONG": "4"}) as server:
        export = get_request("/api/v1/results.ndjson", key)
        held = [server.connect(export, receive_buffer=4096) for _ in range(4)]
        assert [each.recv(12) for each in held] == [b"HTTP/1.1 200"] * 4
        assert server.is_live()
        assert server.get("/api/v1/results.ndjson", key).status_code == 429
        wait_until(lambda: server.get("/api/v1/results.ndjson", key).status_code == 200, "their end")
        assert b"\n0\r\n" not in held[0].recv(1 << 20)[-20:], "what was cut off does not look complete"


def test_an_export_is_whole_for_a_client_that_reads_in_pieces(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with_many_results(archive, 500)
    with limited(tmp_path, {}) as server:
        client = server.connect(get_request("/api/v1/results.ndjson", "", "Connection: close"), 4096)
        received = bytearray()
        while data := client.recv(1 << 14):
            received += data
        assert received.endswith(b"0\r\n\r\n")
        assert received.count(b'"recording_id"') == 501


def test_short_answers_that_nobody_reads_hold_no_thread_and_bounded_memory(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with_many_results(archive, 200)
    with limited(tmp_path, {"threads": 2, "unsent_bytes": 2_000_000, "patience_s": 600.0}) as server:
        page = get_request("/api/v1/results?limit=200")
        held = [server.connect(page, receive_buffer=4096) for _ in range(8)]
        wait_until(lambda: sum(map(is_closed, held)) >= 6, "the end of those that take too much")
        assert server.is_live()
        assert len(server.get("/api/v1/results?limit=200").json()["items"]) == 200


def test_the_end_of_an_answer_that_nobody_reads_is_ended(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    with_many_results(archive, 30)
    with limited(tmp_path, {"unread_s": 1.0}) as server:
        held = [server.connect(get_request("/api/v1/results"), receive_buffer=2048) for _ in range(3)]
        wait_until(lambda: server.gauge("stetho_http_connections") <= 1, "the end of all but our own")
        del held


def test_a_large_body_without_a_right_key_is_answered_before_it_comes(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    owner = ApiKeys(archive.settings.database).add("bob", "owner", "st-01")
    with limited(tmp_path, {}, STETHO_API_AUTH="keys") as server:
        length, goes_on = "Content-Length: 50000000", "Expect: 100-continue"
        for path, key, status in (
            ("/api/v1/recordings", "", 401),
            ("/predict", "", 401),
            ("/upload-training-data", owner, 403),
            ("/api/v1/recordings?device=st-02", owner, 403),
            ("/nothing", "", 404),
            ("/login", "", 413),
        ):
            kind = "Content-Type: audio/wav" if "v1" in path else "Content-Type: multipart/form-data"
            request = post_request(path, length, goes_on, kind, *([f"X-API-Key: {key}"] if key else []))
            answered, headers, _ = answer_of(server.connect(request))
            assert (path, answered) == (path, status), "and not 100"
            assert headers["Connection"] == "close"
        wrong = post_request("/predict", length, "X-API-Key: wrong")
        assert 429 in [answer_of(server.connect(wrong))[0] for _ in range(20)], "wrong keys are counted"


def test_a_refused_body_is_read_off_so_that_its_client_gets_the_answer(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {}, STETHO_API_AUTH="keys") as server:
        body = b"x" * 3_000_000
        client = server.connect(post_request("/predict", f"Content-Length: {len(body)}") + body)
        assert answer_of(client)[0] == 401


def test_chunks_of_a_byte_are_refused_unparsed(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {}) as server:
        tiny = post_request("/login", "Transfer-Encoding: chunked") + b"1\r\nx\r\n" * 5000
        status, _, body = answer_of(server.connect(tiny))
        assert (status, b"in large chunks" in body) == (400, True)
        assert server.is_live()


def test_it_stops_at_once_while_streams_are_open(tmp_path: Path) -> None:
    Archive(tmp_path)
    with limited(tmp_path, {}) as server:
        held = [server.connect(get_request("/api/v1/stream")) for _ in range(3)]
        assert [each.recv(12) for each in held] == [b"HTTP/1.1 200"] * 3
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(WITHIN_S) == 0


def _answers(server: LimitedServer, request: bytes) -> bytes:
    client = server.connect(request)
    received = b""
    while data := client.recv(1 << 16):
        received += data
    return received


def test_http_as_clients_speak_it(tmp_path: Path) -> None:
    Archive(tmp_path).add(1)
    with limited(tmp_path, {}) as server:
        last = get_request("/livez", "", "Connection: close")
        assert _answers(server, get_request("/livez") * 2 + last).count(b"HTTP/1.1 200") == 3, "pipelined"
        assert b"HTTP/1.1 200" in _answers(server, b"GET /livez HTTP/1.0\r\n\r\n")
        head = _answers(server, last.replace(b"GET", b"HEAD"))
        assert head.startswith(b"HTTP/1.1 200")
        assert head.endswith(b"\r\n\r\n")
        form = "Content-Type: application/x-www-form-urlencoded"
        chunked = post_request("/login", form, "Transfer-Encoding: chunked", "Connection: close")
        assert b"HTTP/1.1 403" not in _answers(server, chunked + b"5\r\nkey=x\r\n0\r\n\r\n")
        both = post_request("/login", form, "Content-Length: 5", "Transfer-Encoding: chunked")
        assert _answers(server, both + b"0\r\n\r\n" + get_request("/x")).count(b"HTTP/1.1 4") == 1
        cut = _answers(server, chunked + b"ZZ\r\n")
        assert cut.startswith(b"HTTP/1.1 400")
        assert b"HTTP/1.1 400" in _answers(server, b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n")
        recording = get_request("/api/v1/recordings/0000000000000001/audio.wav", "", "Connection: close")
        assert b"\r\nRIFF" in _answers(server, recording)
