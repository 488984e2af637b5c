"""What a function may know about the call it is in."""

from typing import NamedTuple

from . import _host

_context = _host.bindings("context")


class Trigger(NamedTuple):
    """What woke the function: the kind of the trigger (`http`, `kafka`, …) and its name."""

    kind: str
    name: str


def call_id():
    """The id of this call, as logs and records show it."""
    return _context.call_id() if _context else "native"


def revision():
    """The id of the revision that is running."""
    return _context.revision() if _context else "native"


def attempt():
    """Which attempt this is, counted from 1."""
    return _context.attempt() if _context else 1


def remaining():
    """How many seconds until the deadline."""
    return _context.remaining_ms() / 1000 if _context else float("inf")


def cancelled():
    """Whether the caller no longer wants the answer."""
    return _context.cancelled() if _context else False


def traceparent():
    """The W3C trace context of the call; None where it has none."""
    return _context.traceparent() if _context else None


def trigger():
    """What woke the function."""
    return Trigger(*_context.trigger()) if _context else Trigger("test", "native")


def origin(index):
    """Topic, partition and offset of the event at that index of the batch; None where it came from no stream."""
    place = _context.origin(index) if _context else None
    return None if place is None else (place.topic, place.partition, place.offset)
