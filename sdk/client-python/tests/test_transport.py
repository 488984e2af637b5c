"""What is tried again and what is not, how pages are read, and problems as exceptions."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import weft
from weft import transport
from weft.contexts import Connection

Answer = tuple[int, dict[str, str], bytes]


class Script(ThreadingHTTPServer):
    """A host that answers as it is told, and counts."""

    daemon_threads = True

    def __init__(self, answer: Callable[[int, str], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _do(self) -> None:
        server = self.server
        assert isinstance(server, Script)
        self.rfile.read(int(self.headers.get("content-length") or 0))
        server.asked.append(f"{self.command} {self.path}")
        status, headers, body = server.answer(len(server.asked), self.path)
        if status == 0:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _do

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[int, str], Answer]], Script]]:
    monkeypatch.setattr(transport, "FIRST_WAIT", 0.001)
    servers = []

    def start(answer: Callable[[int, str], Answer]) -> Script:
        server = Script(answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def to(server: Script) -> transport.Transport:
    return transport.Transport(Connection(server.url), 10.0)


OK: Answer = (200, {}, b"{}")
BUSY: Answer = (503, {"retry-after": "0"}, b"{}")


def test_what_can_be_repeated_is_repeated(scripted: Callable[..., Script]) -> None:
    server = scripted(lambda number, _: BUSY if number < 3 else OK)
    assert to(server).json("GET", "/x") == {}
    assert len(server.asked) == 3


def test_a_broken_answer_is_asked_for_again_only_where_that_is_safe(scripted: Callable[..., Script]) -> None:
    server = scripted(lambda number, _: (0, {}, b"") if number == 1 else OK)
    assert to(server).json("GET", "/x") == {}
    server = scripted(lambda number, _: (0, {}, b"") if number == 1 else OK)
    with pytest.raises(weft.UnreachableError):
        to(server).json("POST", "/x", json={})
    assert len(server.asked) == 1
    server = scripted(lambda number, _: (0, {}, b"") if number == 1 else OK)
    assert to(server).json("POST", "/x", json={"id": "mine"}, again=True) == {}


def test_it_is_not_tried_for_ever(scripted: Callable[..., Script]) -> None:
    server = scripted(lambda *_: BUSY)
    with pytest.raises(weft.BusyError):
        to(server).json("GET", "/x")
    assert len(server.asked) == transport.ATTEMPTS
    server = scripted(lambda *_: BUSY)
    with pytest.raises(weft.BusyError):
        to(server).json("POST", "/x")
    assert len(server.asked) == 1


def test_nobody_is_followed_and_no_proxy_is_asked(
    scripted: Callable[..., Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    server = scripted(lambda *_: (302, {"location": "http://127.0.0.1:9/"}, b""))
    assert to(server).send("GET", "/x", check=False).status_code == 302


def test_a_problem_becomes_an_exception_that_says_what_to_do(scripted: Callable[..., Script]) -> None:
    problem = {
        "type": "urn:weft:problem:invalid-pipeline",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "there is a mistake",
        "code": "invalid-pipeline",
        "hint": "write it so",
        "mistakes": [{"line": 3, "column": 5, "path": "steps.a", "message": "it is wrong", "suggestion": "do b"}],
    }
    server = scripted(lambda *_: (422, {"content-type": "application/problem+json"}, json.dumps(problem).encode()))
    with pytest.raises(weft.InvalidError) as caught:
        to(server).json("POST", "/x")
    error = caught.value
    assert (error.title, error.code, error.status) == ("Unprocessable Entity", "invalid-pipeline", 422)
    assert str(error) == "there is a mistake\n  3:5 steps.a: it is wrong (do b)\nhint: write it so"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, weft.DeniedError),
        (404, weft.NotFoundError),
        (409, weft.ConflictError),
        (400, weft.InvalidError),
        (500, weft.WeftError),
    ],
)
def test_each_status_has_its_exception(
    scripted: Callable[..., Script], status: int, kind: type[weft.WeftError]
) -> None:
    server = scripted(lambda *_: (status, {}, b"a page of a proxy"))
    with pytest.raises(kind, match="a page of a proxy"):
        to(server).json("POST", "/x")


def test_pages_are_read_as_they_are_needed(scripted: Callable[..., Script]) -> None:
    def page(_: int, path: str) -> Answer:
        first = 5 if "after=more" in path else 0
        body = {"items": [{"n": it} for it in range(first, first + 5)], "next": None if first else "more"}
        return 200, {}, json.dumps(body).encode()

    server = scripted(page)
    assert [it["n"] for it in to(server).items("/list")] == list(range(10))
    server = scripted(page)
    items = to(server).items("/list", {"kind": None, "name": "x"}, limit=3)
    assert [it["n"] for it in items] == [0, 1, 2]
    assert server.asked == ["GET /list?name=x&limit=3"]


def test_a_host_that_is_not_there_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_WAIT", 0.001)
    with weft.connect("http://127.0.0.1:1") as client, pytest.raises(weft.UnreachableError, match="fn up"):
        client.whoami()
    with pytest.raises(weft.WeftError), weft.connect("nonsense://x") as client:
        client.whoami()


def test_a_stream_of_changes_that_breaks_off_is_taken_up_again(
    scripted: Callable[..., Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weft.runs, "FIRST_WAIT", 0.001)
    run = {"id": "x", "name": "n", "state": "running", "params": {}}
    over = {**run, "state": "done"}

    def line(kind: str, data: object) -> str:
        return f"event: {kind}\ndata: {json.dumps(data)}\n\n"

    def answer(number: int, path: str) -> Answer:
        if not path.endswith("/events"):
            return 200, {}, json.dumps({"run": over, "steps": []}).encode()
        if number == 1:
            return 200, {}, (line("run", run) + ": still here\n\nevent: step\ndata: {").encode()
        if number == 2:
            return BUSY
        return 200, {}, (line("run", over) + line("end", {})).encode()

    server = scripted(answer)
    seen = weft.Run(run, to(server))
    assert [it.run.state for it in seen.watch()] == ["running", "done"]
    assert seen.wait().state == "done"
    assert len(server.asked) == 4
