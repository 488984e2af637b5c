"""The export `wasi:cli/run`."""

from componentize_py_types import Err

from .. import _entries, _host, failure
from ..run import Run as TheRun
from . import begin, end, entry
from ._record import record

_run = _host.bindings("run")
_job = entry("job")


class Run:
    """Called once."""

    def run(self):
        begin()
        try:
            _job.work(TheRun())
        except SystemExit as error:
            if error.code not in (None, 0):
                _fail(error)
        except Exception as error:
            _entries.told(error)
            _fail(error)
        finally:
            end()


def _fail(error):
    _run.fail(record(failure.of(error)))
    raise Err(None) from None
