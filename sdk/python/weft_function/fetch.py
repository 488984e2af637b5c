"""Requests that a function sends itself, to where `http = ["https://api.example.com"]` under `[grants]` allows."""

import typing
from dataclasses import dataclass
from urllib.parse import urlsplit

from . import _bodies, _codec, _host
from .failure import Fatal, Transient

_http = _host.bindings("wasi_http_types")
_outgoing = _host.bindings("outgoing_handler")

#: The most bytes an answer may have, unless the function says otherwise.
MOST = 16 << 20


@dataclass(frozen=True)
class Fetched:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name):
        """The first header field of that name, whatever its case; None where there is none."""
        return next((value for key, value in self.headers if key == name.lower()), None)

    def text(self):
        """The body as text; what is no UTF-8 becomes a question mark."""
        return self.body.decode(errors="replace")

    def json(self, hint=typing.Any):
        """The body read from JSON as that type; a transient failure where it is not that."""
        try:
            return _codec.fitted(_codec.parsed(self.body), hint)
        except Exception as error:
            raise Transient("bad-answer", getattr(error, "message", str(error))) from None

    def ok(self):
        """Itself where the status is a success; else a failure, transient where asking again may help."""
        if self.status < 400:
            return self
        kind = Transient if self.status in (408, 425, 429) or self.status >= 500 else Fatal
        raise kind("http-status", f"it answered {self.status}")


def fetch(url, *, method="GET", headers=None, body=None, json=None, timeout=None, most=MOST):
    """Sends a request and waits for the whole answer. Redirects are not followed: each is an answer to look at.

    `timeout`, in seconds, is how long to wait for the connection, for the answer to begin, and for each next piece of it.
    """
    if _outgoing is None:
        raise _denied()
    fields = dict(headers or {})
    data = b"" if body is None else body.encode() if isinstance(body, str) else bytes(body)
    if json is not None:
        data = _codec.written(json)
        fields.setdefault("content-type", "application/json")
    try:
        return _sent(_request(url, method, fields, data), _options(timeout), data, most)
    except _bodies.Overflow:
        raise Fatal("http-invalid", f"the answer has more than {most} bytes") from None
    except _bodies.Broken:
        raise Transient("http-failed", "the request failed: the answer broke off") from None
    except Exception as error:
        raise _failure(error) from None


def _request(url, method, fields, data):
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise Fatal("http-invalid", f"that is no request: `{url}` begins with neither https:// nor http://")
    if data:
        fields["content-length"] = str(len(data))
    pairs = [(name.lower(), str(value).encode()) for name, value in fields.items()]
    request = _http.OutgoingRequest(_http.Fields.from_list(pairs))
    request.set_method(_bodies.method(method))
    request.set_scheme(_http.Scheme_Https() if parts.scheme == "https" else _http.Scheme_Http())
    request.set_authority(parts.netloc)
    path = parts.path or "/"
    request.set_path_with_query(f"{path}?{parts.query}" if parts.query else path)
    return request


def _options(timeout):
    if timeout is None:
        return None
    options = _http.RequestOptions()
    nanoseconds = round(timeout * 1e9)
    options.set_connect_timeout(nanoseconds)
    options.set_first_byte_timeout(nanoseconds)
    options.set_between_bytes_timeout(nanoseconds)
    return options


def _sent(request, options, data, most):
    body = request.body() if data else None
    waiting = _outgoing.handle(request, options)
    if body is not None:
        _written(body, data)
    with waiting.subscribe() as ready:
        ready.block()
    with _answer(waiting.get()) as answer:
        return Fetched(answer.status(), _bodies.pairs(answer.headers()), _bodies.read(answer, most))


def _written(body, data):
    try:
        _bodies.write(body, data)
    except Exception:
        # A server may answer without reading all of it: what it says counts, not that the rest was not taken.
        return


def _answer(result):
    """The response in two results, or the error in them."""
    for _ in range(2):
        value = getattr(result, "value", None)
        if type(result).__name__ == "Err":
            raise result
        result = value
    return result


def _failure(error):
    if isinstance(error, (Fatal, Transient)):
        return error
    code = getattr(error, "value", None)
    if code is None:
        return Fatal("http-invalid", f"that is no request: {error}")
    match _host.variant(code):
        case "HttpRequestDenied":
            return _denied()
        case "HttpRequestUriInvalid" | "HttpRequestMethodInvalid" | "InvalidSyntax" | "Forbidden":
            return Fatal("http-invalid", f"that is no request: {_host.variant(code)}")
    told = _host.reason(code)
    return Transient("http-failed", f"the request failed: {_host.variant(code)}{f' ({told})' if told else ''}")


def _denied():
    return Fatal(
        "http-denied",
        "the request was refused: name where it goes under [grants], such as `http = [\"https://api.example.com\"]`",
    )
