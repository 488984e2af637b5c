"""Bodies of `wasi:http`, read and written as a whole."""

from . import _host

_http = _host.bindings("wasi_http_types")

#: How many bytes are asked for at a time.
PIECE = 64 << 10


class Broken(Exception):
    """A body ended before its end."""


def read(message, most=None):
    """The whole body of a request or a response; `Overflow` where it has more than `most` bytes."""
    pieces, size = [], 0
    with message.consume() as body, body.stream() as stream:
        while True:
            piece = _piece(stream)
            if piece is None:
                return b"".join(pieces)
            pieces.append(piece)
            size += len(piece)
            if most is not None and size > most:
                raise Overflow


class Overflow(Exception):
    """A body is larger than whoever asked for it wants."""


def _piece(stream):
    try:
        return stream.blocking_read(PIECE)
    except Exception as error:
        if _host.variant(getattr(error, "value", None)) == "Closed":
            return None
        raise Broken("the body broke off") from None


def write(body, data):
    """Writes a whole body and ends it."""
    with body.write() as stream:
        _send(stream, data)
    # A stream has to end before its body does.
    _http.OutgoingBody.finish(body, None)


def _send(stream, data):
    rest = memoryview(data)
    while rest:
        allowed = stream.check_write()
        if allowed == 0:
            with stream.subscribe() as ready:
                ready.block()
            continue
        stream.write(bytes(rest[:allowed]))
        rest = rest[allowed:]
    stream.blocking_flush()


def pairs(fields):
    """Header fields as text, names in lower case."""
    return [(name.lower(), value.decode("latin-1")) for name, value in fields.entries()]


def method(name):
    """A method by its name."""
    known = getattr(_http, f"Method_{name.capitalize()}", None) if name.isupper() else None
    return known() if known is not None and name != "OTHER" else _http.Method_Other(name)


def method_name(method):
    """The name of a method."""
    return method.value if isinstance(method, _http.Method_Other) else _host.variant(method).upper()
