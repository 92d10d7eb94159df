"""Sound as small clients send it: forms without file names or cut off, bodies with any type."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from upload_site import WITHIN_S, UploadSite, pcm_of, synthesise_heart
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.test import EnvironBuilder

from history_api.openapi.problem import ProblemError
from history_api.uploads.upload_form import UploadRequest, has_form
from simulator.site.site import Site

FORM = "multipart/form-data; boundary=XBOUND"
SOUND = bytes(range(256)) * 1000
"""Has line ends, zeros and bytes that are no UTF-8."""
NAMES = {
    b'name="file"; filename="a.wav"': "a.wav",
    b'name="file"; filename=""': "",
    b'name="file"': "",
    b"name=\"file\"; filename*=UTF-8''%E5%BF%83.wav": "心.wav",
    'name="file"; filename="Herztöne 心.wav"'.encode(): "Herztöne 心.wav",
    'name="file"; filename="Herztöne.wav"'.encode("latin-1"): "Herztöne.wav",
    b'name="audio"': "",
}


def multipart(disposition: bytes, sound: bytes = SOUND, more: bytes = b"") -> bytes:
    head = b"--XBOUND\r\nContent-Disposition: form-data; " + disposition + b"\r\n" + more + b"\r\n"
    return head + sound + b"\r\n--XBOUND--\r\n"


def request(body: bytes, kind: str = FORM) -> UploadRequest:
    builder = EnvironBuilder(method="POST", input_stream=io.BytesIO(body), content_type=kind)
    builder.content_length = len(body)
    return UploadRequest(builder.get_environ())


@pytest.mark.parametrize("disposition", NAMES)
@pytest.mark.parametrize("more", [b"", b"Content-Type: audio/wav\r\n"])
def test_a_part_with_sound_is_a_file_byte_for_byte(disposition: bytes, more: bytes) -> None:
    asked = request(multipart(disposition, more=more))
    ((name, file),) = asked.files.items(multi=True)
    assert (name, file.filename) == ("audio" if b"audio" in disposition else "file", NAMES[disposition])
    assert file.read() == SOUND
    assert not asked.form


def test_other_parts_are_texts_and_bounded() -> None:
    asked = request(multipart(b'name="key"', "ä".encode()))
    assert asked.form.to_dict() == {"key": "ä"}
    asked = request(multipart(b'name="key"'))
    asked.max_form_memory_size = 1000
    with pytest.raises(RequestEntityTooLarge):
        _ = asked.form
    asked = request(multipart(b'name="a"', b"x"))
    asked.max_form_parts = 0
    with pytest.raises(RequestEntityTooLarge):
        _ = asked.form


@pytest.mark.parametrize(
    "body", [multipart(b'name="file"')[:-6], multipart(b'name="file"')[:200], b"--XBOUND\r\nx", SOUND, b""]
)
def test_a_form_that_is_cut_off_is_no_success(body: bytes) -> None:
    asked = request(body)
    with pytest.raises(ProblemError, match="last boundary"):
        _ = asked.files


def test_only_a_form_with_a_boundary_is_a_form() -> None:
    assert has_form(request(b"", FORM))
    others = ("multipart/form-data", "multipart/form-data; boundary=", "audio/wav", "text/plain")
    assert not any(has_form(request(b"", kind)) for kind in others)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadSite]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield UploadSite(site)


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesise_heart(tmp_path_factory.mktemp("sound") / "heart.wav")


def stored(running: UploadSite, answer: requests.Response) -> bytes:
    """Return the samples of the recording that an upload became."""
    document = answer.json()
    address = f"/api/v1/recordings/{document['recording_id']}/audio.wav?device={document['device_id']}"
    return running.get(address).content[44:]


@pytest.mark.parametrize(
    "kind",
    [
        *(None, "application/octet-stream", "audio/wav", "application/x-www-form-urlencoded", "text/plain"),
        *("application/json", "multipart/form-data"),
    ],
)
def test_a_body_is_the_sound_whatever_type_it_names(
    running: UploadSite, heart: Path, kind: str | None
) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    answer = running.post("/api/v1/recordings?wait=30", data=heart.read_bytes(), headers=headers)
    assert (answer.status_code, stored(running, answer)) == (201, pcm_of(heart)[0])


@pytest.mark.parametrize("disposition", [b'name="file"', 'name="audio"; filename="ö.wav"'.encode("latin-1")])
def test_a_form_of_a_small_client_is_analysed(running: UploadSite, heart: Path, disposition: bytes) -> None:
    body = multipart(disposition, heart.read_bytes())
    for address in ("/api/v1/recordings?wait=30", "/predict?model=heart2&wait=30"):
        answer = running.post(address, data=body, headers={"Content-Type": FORM})
        assert answer.status_code in {200, 201, 422}
        assert stored(running, answer) == pcm_of(heart)[0]


def test_a_form_that_is_cut_off_is_answered_with_what_to_do(running: UploadSite, heart: Path) -> None:
    body = multipart(b'name="file"; filename="a.wav"', heart.read_bytes())[:-6]
    answer = running.post("/api/v1/recordings", data=body, headers={"Content-Type": FORM})
    assert answer.status_code == 400
    assert "send it again" in answer.json()["detail"]


def test_a_data_uri_comes_in_every_kind_of_body(running: UploadSite, heart: Path) -> None:
    uri = f"data:audio/wav;base64,{base64.b64encode(heart.read_bytes()).decode()}"
    curl = {"Content-Type": "application/x-www-form-urlencoded"}
    for how in (
        {"data": uri, "headers": curl},
        {"data": f"audio={uri}", "headers": curl},
        {"data": f"audio={quote(uri)}", "headers": curl},
        {"data": multipart(b'name="audio"', uri.encode()), "headers": {"Content-Type": FORM}},
        {"data": multipart(b'name="file"', heart.read_bytes()), "headers": {"Content-Type": FORM}},
    ):
        answer = requests.post(f"{running.url}/record?model=heart2&wait=30", timeout=WITHIN_S, **how)
        assert answer.status_code in {200, 422}, answer.text
        assert stored(running, answer) == pcm_of(heart)[0]
