"""Log lines with fields, kept with the call they belong to. `logging` and `warnings` end up here, too."""

import logging
import sys

from . import _host

_log = _host.bindings("log")


def trace(message, **fields):
    """A line for whoever looks for every step."""
    _write("TRACE", message, fields)


def debug(message, **fields):
    """A line for whoever looks for a mistake."""
    _write("DEBUG", message, fields)


def info(message, **fields):
    """A message that reads alone, and fields to search by."""
    _write("INFO", message, fields)


def warn(message, **fields):
    """A line about what is odd."""
    _write("WARN", message, fields)


def error(message, **fields):
    """A line that a person should look at."""
    _write("ERROR", message, fields)


def _write(level, message, fields):
    pairs = [(name, value if isinstance(value, str) else str(value)) for name, value in fields.items()]
    if _log is None:
        told = "".join(f" {name}={value}" for name, value in pairs)
        sys.stderr.write(f"{level.lower()} {message}{told}\n")
        return
    _log.log(_log.Level[level], _whole(str(message)), [(name, _whole(value)) for name, value in pairs])


def _whole(text):
    """Text that UTF-8 can carry: half of a pair of surrogates becomes a question mark."""
    return text.encode(errors="replace").decode()


class Lines(logging.Handler):
    """Makes log lines of what is said to `logging`."""

    def emit(self, record):
        """Writes one record; the logger's name is a field."""
        levels = ((logging.ERROR, "ERROR"), (logging.WARNING, "WARN"), (logging.INFO, "INFO"), (0, "DEBUG"))
        level = next(name for least, name in levels if record.levelno >= least)
        _write(level, self.format(record), {} if record.name == "root" else {"logger": record.name})


def take_over():
    """Has `logging` write log lines, from info upwards, unless the function has set it up itself."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(Lines())
        root.setLevel(logging.INFO)
