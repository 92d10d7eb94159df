"""The history API as a process: start, serve, stop, and refusal of settings that cannot work."""

import http.client
import json
import os
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from archive import PCM, Archive

from edge_worker.database.access.api_key import ApiKeys
from edge_worker.database.store import Store
from edge_worker.protocol.timestamp import rfc3339

WITHIN_S = 30.0
HEAVY = ("librosa", "tensorflow", "keras", "tflite_runtime", "ai_edge_litert")
FOREIGN = ("alembic", "yaml")


def environment(data_dir: Path, **changed: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("STETHO_")}
    return (
        own | {"STETHO_DATA_DIR": str(data_dir), "STETHO_API_PORT": "0", "STETHO_API_AUTH": "none"} | changed
    )


@contextmanager
def serving(environ: Mapping[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the program; yield it and its address."""
    command = [sys.executable, "-m", "history_api"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, bufsize=0) as process:
        try:
            yield process, first_line(process).removeprefix("listening on ").strip()
        finally:
            process.kill()


def first_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    poll = select.poll()  # not select(): the descriptors of a long run of tests are many
    poll.register(process.stdout, select.POLLIN)
    assert poll.poll(1000 * WITHIN_S), "the program printed nothing"
    return process.stdout.readline().decode()  # unbuffered: the next line is not read with it


def fetch(address: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    request = urllib.request.Request(address, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def refusal(environ: Mapping[str, str]) -> str:
    """Return the sentence with which the program refuses to start."""
    command = [sys.executable, "-m", "history_api"]
    ended = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert ended.returncode == 2
    assert "listening" not in ended.stdout
    assert "Traceback" not in ended.stderr
    assert ended.stderr.count("\n") == 1
    return ended.stderr


def test_the_first_start_says_how_to_make_a_key(tmp_path: Path) -> None:
    def second_line() -> str:
        with serving(environment(tmp_path, STETHO_API_AUTH="keys")) as (process, address):
            assert fetch(f"{address}/livez")[0] == 200
            process.terminate()
            assert process.stdout is not None
            return process.stdout.read().decode()

    assert "key add NAME --role admin` makes one\n" in second_line(), "without a database"
    Store.open(f"sqlite:///{tmp_path / 'stetho.db'}").close()
    assert "makes one" in second_line()
    ApiKeys(f"sqlite:///{tmp_path / 'stetho.db'}").add("ann", "admin")
    assert "makes one" not in second_line()


def test_results_and_audio_are_served_until_sigterm(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    result = archive.add(1)
    with serving(environment(tmp_path)) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        status, body = fetch(f"{address}/api/v1/results")
        assert (status, json.loads(body)["items"]) == (200, [result.document()])
        recording = json.loads(fetch(f"{address}/api/v1/recordings/{result.recording_id}")[1])
        audio = address + recording["links"]["audio"]
        assert fetch(audio)[1][44:] == PCM
        assert fetch(audio, Range="bytes=44-143") == (206, PCM[:100])
        assert fetch(f"{address}/nothing")[0] == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0
        assert process.stdout is not None
        assert b"event=request" in process.stdout.read()


def raw_request(address: str, request: bytes) -> tuple[int, dict[str, object]]:
    """Send bytes that the server refuses by itself; return the status and the problem document."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=WITHIN_S) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        document = json.loads(answer.read())
        assert document["request_id"] == answer.headers["X-Request-ID"]
        assert connection.recv(1) == b""
        return answer.status, document


def posted(*headers: str, path: str = "/login") -> bytes:
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


def test_a_body_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    key = f"X-API-Key: {ApiKeys(archive.settings.database).add('ann', 'operator')}"
    sound, form = "Content-Type: audio/wav", "Content-Type: application/x-www-form-urlencoded"
    with serving(environment(tmp_path, STETHO_UPLOAD_MB="1", STETHO_API_AUTH="keys")) as (_, address):
        for path, headers in (
            ("/api/v1/recordings", [key, sound, f"Content-Length: {1 + (1 << 20)}"]),
            ("/login", [form, "Content-Length: 65537"]),
            ("/login", [key, form, "Content-Length: 65537"]),
        ):
            status, document = raw_request(address, posted(*headers, path=path))
            assert status == document["status"] == 413
            assert "STETHO_UPLOAD_MB" in str(document["detail"])
        chunk = b"20000\r\n" + b"x" * 0x20000
        chunked = posted(form, "Transfer-Encoding: chunked") + chunk
        assert raw_request(address, chunked)[0] == 413, "its size is known when it comes"


def test_a_malformed_request_is_answered_with_a_problem_document(tmp_path: Path) -> None:
    with serving(environment(tmp_path)) as (_, address):
        assert raw_request(address, b"what is this?\r\n\r\n")[0] == 400
        assert raw_request(address, posted("Transfer-Encoding: gzip"))[0] == 501
        assert raw_request(address, posted("X: " + "x" * 300_000)[:262_144])[0] == 431
        assert fetch(f"{address}/livez")[0] == 200


def test_without_keys_the_program_prints_a_warning(tmp_path: Path) -> None:
    with serving(environment(tmp_path)) as (process, _):
        assert "everybody on this machine" in first_line(process)


def test_behind_a_trusted_proxy_session_cookies_are_secure(tmp_path: Path) -> None:
    key = ApiKeys(Archive(tmp_path).settings.database).add("ann", "operator")
    with serving(environment(tmp_path, STETHO_API_PROXY="1", STETHO_API_AUTH="keys")) as (_, address):
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=WITHIN_S)
        headers = {"X-Forwarded-Proto": "https", "Host": "stetho.local", "Origin": "https://stetho.local"}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", "/login", f"key={key}", headers | form)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (303, b"")
        assert "Secure" in answer.headers["Set-Cookie"]
        assert "Strict-Transport-Security" in answer.headers
        cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
        connection.request("GET", "/api/v1/me", headers=headers | cookie)
        assert json.loads(connection.getresponse().read())["name"] == "ann"
        connection.close()


def test_ctrl_c_stops_with_exit_status_0(tmp_path: Path) -> None:
    with serving(environment(tmp_path)) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(WITHIN_S) == 0


def test_it_starts_before_the_worker_and_is_ready_once_there_is_one(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with serving(environment(data_dir)) as (_, address):
        assert fetch(f"{address}/livez")[0] == 200
        assert fetch(f"{address}/readyz")[0] == 503
        assert not data_dir.exists()
        data_dir.mkdir()
        archive = Archive(data_dir)
        archive.add(1)
        archive.store.save_heartbeat("edge-01", rfc3339(datetime.now(UTC)), {"state": "ready"})
        deadline = time.monotonic() + WITHIN_S
        while fetch(f"{address}/readyz")[0] != 200:
            assert time.monotonic() < deadline
        assert len(json.loads(fetch(f"{address}/api/v1/results")[1])["items"]) == 1


def test_many_clients_read_while_a_worker_writes(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.add(0)
    with serving(environment(tmp_path)) as (_, address), ThreadPoolExecutor(8) as clients:
        answers = [clients.submit(fetch, f"{address}/api/v1/results?limit=5") for _ in range(100)]
        for number in range(1, 40):
            archive.add(number)
        assert {answer.result()[0] for answer in answers} == {200}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"STETHO_API_PORT": "http"}, "STETHO_API_PORT"),
        ({"STETHO_API_PORT": "70000"}, "STETHO_API_PORT"),
        ({"STETHO_API_HOST": "no.such.host.invalid"}, "STETHO_API_HOST"),
        ({"STETHO_API_HOST": "a..b"}, "STETHO_API_HOST"),
        ({"STETHO_API_HOST": "0.0.0.0"}, "STETHO_API_AUTH"),  # noqa: S104 - refused without keys
        ({"STETHO_UPLOAD_MB": "0"}, "STETHO_UPLOAD_MB"),
        ({"STETHO_LOG_LEVEL": "loud"}, "STETHO_LOG_LEVEL"),
        ({"STETHO_DATABASE_URL": "not a url"}, "STETHO_DATABASE_URL"),
        ({"STETHO_DATABASE_URL": "nosuchdb://localhost/stetho"}, "STETHO_DATABASE_URL"),
        ({"STETHO_DATABASE_URL": "sqlite:////dev/null/stetho.db"}, "STETHO_DATABASE_URL"),
    ],
)
def test_wrong_settings_are_reported_in_one_sentence(
    tmp_path: Path, changed: dict[str, str], named: str
) -> None:
    assert named in refusal(environment(tmp_path, **changed))


def test_a_damaged_database_is_waited_for_until_the_worker_has_repaired_it(tmp_path: Path) -> None:
    (tmp_path / "stetho.db").write_bytes(b"this is not a database, however long one reads it" * 100)
    with serving(environment(tmp_path)) as (_, address):
        status, body = fetch(f"{address}/readyz")
        assert status == 503
        assert b"is damaged" in body
        Store.open(f"sqlite:///{tmp_path / 'stetho.db'}", is_ours=True).close()
        assert json.loads(fetch(f"{address}/api/v1/results")[1])["items"] == []


def test_a_database_of_another_program_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "stetho.db") as connection:
        connection.execute("CREATE TABLE theirs (id INTEGER)")
    assert "stetho.db" in refusal(environment(tmp_path))


def test_a_port_in_use_is_reported_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert str(port) in refusal(environment(tmp_path, STETHO_API_PORT=str(port)))


def test_help_has_examples() -> None:
    command = [sys.executable, "-m", "history_api", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=True).stdout
    assert "examples:" in shown
    assert "not a medical device" in shown


def test_serving_imports_no_model_runtime(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    archive.add(1)
    program = (
        "import os, sys\n"
        "import history_api.__main__\n"
        "from history_api.application import create_app\n"
        "from history_api.settings import ApiSettings\n"
        "client = create_app(ApiSettings.from_environ(os.environ)).test_client()\n"
        "one = '/api/v1/recordings/0000000000000001'\n"
        "paths = ('/api/v1/results', '/history', '/health', '/models/info', '/metrics')\n"
        "for path in (*paths, one, one + '/audio.wav'):\n"
        "    assert client.get(path).status_code == 200, path\n"
        f"print(sorted(set({HEAVY + FOREIGN!r}) & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(
        command, env=environment(tmp_path), capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "[]\n"
