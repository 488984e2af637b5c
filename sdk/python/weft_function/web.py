"""Requests and responses as a whole, over `wasi:http`."""

import json
import typing
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from . import _codec
from .failure import of

_STATUS = {"invalid": 422, "transient": 503, "fatal": 500}


@dataclass
class Request:
    """A request, body and all. The host bounds the body: `max_body` under `[limits]`."""

    method: str
    path: str
    query: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name):
        """The first header field of that name, whatever its case; None where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def params(self):
        """What the query says: a list of values for each name."""
        return parse_qs(self.query or "", keep_blank_values=True)

    def text(self):
        """The body as text; an invalid failure, that is a 422, where it is no UTF-8."""
        return _codec.decode(self.body, str)

    def json(self, hint=typing.Any):
        """The body read from JSON as that type; an invalid failure, that is a 422, where it is not that."""
        return _codec.fitted(_codec.parsed(self.body), hint)


@dataclass
class Response:
    """An answer. The body is text, bytes, or anything that JSON can say; None is no body."""

    body: typing.Any = None
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    content_type: str | None = None

    def written(self):
        """Status, header fields and body as the host takes them."""
        data, media_type = _codec.encode(self.body) or (b"", None)
        fields = dict(self.headers).items() if isinstance(self.headers, dict) else self.headers
        pairs = [(name, str(value).encode()) for name, value in fields]
        said = any(name.lower() == "content-type" for name, _ in pairs)
        if not said and (self.content_type or media_type):
            pairs.insert(0, ("content-type", (self.content_type or media_type).encode()))
        return self.status, pairs, data


def response(answer):
    """What a server returned, as a response: itself, 204 for nothing, 200 for anything else."""
    if isinstance(answer, Response):
        return answer
    return Response(status=204) if answer is None else Response(answer)


def problem(error):
    """A failure as problem+json, with the status the host gives the failures of handlers."""
    failure = of(error)
    status = _STATUS[failure.kind]
    body = json.dumps({"status": status, "title": failure.message, "code": failure.code})
    headers = [("content-type", "application/problem+json")]
    if failure.retry_after is not None:
        headers.append(("retry-after", str(-int(-failure.retry_after // 1))))
    return Response(body, status, headers)
