"""An answer that is taken piece by piece, each on whatever thread is free."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from flask import Flask, Response, request, stream_with_context

from history_api.serving.wsgi_answer import WsgiAnswer

T = TypeVar("T")


def on_a_thread(work: Callable[[], T]) -> T:
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work).result()


def streaming() -> Flask:
    app = Flask("streaming")

    @app.get("/<name>")
    def answer(name: str) -> Response:
        def pieces() -> Iterator[bytes]:
            for number in range(3):
                yield f"{request.path} {number};".encode()

        return Response(stream_with_context(pieces()))

    return app


def environ_of(app: Flask, path: str) -> dict[str, object]:
    return app.test_request_context(path).request.environ


def test_a_streamed_answer_knows_its_request_on_every_thread() -> None:
    app = streaming()
    one, other = (WsgiAnswer(app, environ_of(app, path)) for path in ("/one", "/other"))
    said = [on_a_thread(one.begin), on_a_thread(other.begin)]
    while not (one.is_over and other.is_over):
        said += [on_a_thread(each.pull) for each in (one, other) if not each.is_over]
    assert b"".join(said).decode().split(";")[:-1] == [
        f"/{name} {number}" for number in range(3) for name in ("one", "other")
    ]


def test_a_streamed_answer_that_nobody_reads_on_is_closed_on_another_thread() -> None:
    app = streaming()
    answer = WsgiAnswer(app, environ_of(app, "/one"))
    assert on_a_thread(answer.begin) == b"/one 0;"
    on_a_thread(answer.close)
    assert answer.is_over
