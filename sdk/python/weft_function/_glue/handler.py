"""The export `weft:function/handler`."""

from componentize_py_types import Err, Ok

from .. import _host, failure
from . import begin, end, entry
from ._record import record

_types = _host.bindings("weft_function_types")
_handler = entry("handler")


class Handler:
    """Called with batches of events."""

    def handle(self, events):
        begin()
        try:
            answers = _handler.answer(events)
        except (Exception, SystemExit) as error:
            # A function that takes a batch as a whole failed as a whole.
            answers = [failure.of(error)] * len(events)
        finally:
            end()
        return [_written(answer, event.type) for answer, event in zip(answers, events, strict=True)]


def _written(answer, kind):
    if not isinstance(answer, failure.Failure):
        try:
            return Ok([output.write(_types.Output, kind) for output in answer])
        except Exception as error:
            answer = failure.of(error)
    return Err(record(answer))
