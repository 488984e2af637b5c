"""Events that are sent at once, beside the outputs: to topics, queues and functions that the manifest names.

An output that is returned is settled together with its event; what is sent here is sent, even where the call fails
afterwards and the event comes again.
"""

from . import _host
from .events import Output, outputs
from .failure import Fatal, Transient

_publish = _host.bindings("publish")
_types = _host.bindings("weft_function_types")

#: What was sent natively, for tests: where to, and the output.
sent: list[tuple[str, Output]] = []


def send(to, events):
    """Sends an `Output`, or a list of them in order, to what the manifest calls `to`, and waits until they are there."""
    events = outputs(events)
    if not _host.INSIDE:
        sent.extend((to, event) for event in events)
        return
    if _publish is None:
        raise _not_granted(to)
    try:
        _publish.send(to, [event.write(_types.Output) for event in events])
    except Exception as error:
        raise _failure(error) from None


def _not_granted(to):
    return Fatal("publish-not-granted", f"sending to `{to}` is not granted: add it to `publish` under [grants]")


def _failure(error):
    value = getattr(error, "value", None)
    match _host.variant(value):
        case "NotGranted":
            return _not_granted(_host.reason(value))
        case "Refused":
            return Fatal("publish-refused", _host.reason(value))
        case "Unavailable":
            return Transient("publish-unavailable", _host.reason(value))
    return error
