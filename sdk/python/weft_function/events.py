"""What arrives and what is answered: events with typed payloads, and outputs."""

import typing
from dataclasses import dataclass, field

from . import _codec, context

T = typing.TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Where on a stream an event was read."""

    topic: str
    partition: int
    offset: int


@dataclass
class Event(typing.Generic[T]):
    """Something that happened, as CloudEvents 1.0 says it.

    `Event[Order]` reads its payload as an `Order`, a dataclass, from JSON; `Event[bytes]` and `Event[str]` take it as it
    arrived; plain `Event` reads whatever JSON it holds.
    """

    type: str
    data: T
    id: str = "1"
    source: str = "test"
    subject: str | None = None
    time: str | None = None
    content_type: str | None = None
    key: bytes | None = None
    inlet: str = ""
    extensions: dict[str, str] = field(default_factory=dict)
    index: int = field(default=0, repr=False, compare=False)

    @property
    def origin(self):
        """Where on a stream it was read, a `Place`; None where it came from no stream."""
        place = context.origin(self.index)
        return None if place is None else Place(*place)

    @classmethod
    def read(cls, index, event, hint):
        """The event as the host gave it, its payload as that type."""
        return cls(
            type=event.type,
            data=_codec.decode(event.data, hint),
            id=event.id,
            source=event.source,
            subject=event.subject,
            time=event.time,
            content_type=event.content_type,
            key=event.key,
            inlet=event.inlet,
            extensions=dict(event.extensions),
            index=index,
        )


@dataclass
class Output:
    """What a function answers with or sends on. The host fills in id, source, time and trace.

    An empty type takes that of the event. The payload is written as JSON, unless it is bytes or text.
    """

    type: str = ""
    data: typing.Any = b""
    outlet: str = ""
    subject: str | None = None
    content_type: str | None = None
    key: str | bytes | None = None
    extensions: dict[str, str] = field(default_factory=dict)
    status: int | None = None

    def write(self, record, kind=""):
        """The same as the host takes it: `record` is the contract's own type, `kind` the type of the event."""
        data, media_type = _codec.encode(self.data) or (b"null", "application/json")
        extensions = {name: str(value) for name, value in self.extensions.items()}
        if self.status is not None:
            extensions["httpstatus"] = str(self.status)
        return record(
            outlet=self.outlet,
            type=self.type or kind,
            subject=self.subject,
            content_type=self.content_type or media_type,
            key=self.key.encode() if isinstance(self.key, str) else self.key,
            extensions=list(extensions.items()),
            data=data,
        )


def outputs(answer):
    """What a handler returned, as outputs: none, one or many."""
    if answer is None:
        return []
    if isinstance(answer, Output):
        return [answer]
    if isinstance(answer, Outputs):
        return list(answer)
    if isinstance(answer, (list, tuple)) and answer and all(isinstance(it, Output) for it in answer):
        return list(answer)
    return [Output(data=answer)]


class Outputs(list):
    """Any number of outputs, none included: what `yield` in a handler collects."""
