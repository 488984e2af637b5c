"""What the host calls: a class for each export, made for componentize-py."""

# What the standard library loads only when it is needed; in a component, that is too late.
import _strptime  # noqa: F401
import calendar  # noqa: F401
import encodings.ascii
import encodings.cp1252
import encodings.idna
import encodings.latin_1
import encodings.utf_8_sig
import encodings.utf_16
import encodings.utf_32  # noqa: F401
import random
import sys
import traceback  # noqa: F401

from .. import _entries, log

_is_new = True


def begin():
    """Before a call. An instance that was just made has the random numbers of the day it was built."""
    global _is_new
    if _is_new:
        _is_new = False
        random.seed()


def end():
    """After a call: what was printed belongs to it."""
    sys.stdout.flush()
    sys.stderr.flush()


def entry(name):
    """The function that the module offers for that entry."""
    log.take_over()
    return _entries.ready(name)
