"""Functions for Weft in Python: handlers of events, servers of HTTP, and jobs."""

from . import config, context, keyvalue, log, model, publish
from ._entries import handler, http, job
from .events import Event, Output, Place
from .failure import Failure, Fatal, Invalid, Transient
from .fetch import Fetched, fetch
from .run import Input, Run
from .web import Request, Response

__all__ = [
    "Event",
    "Failure",
    "Fatal",
    "Fetched",
    "Input",
    "Invalid",
    "Output",
    "Place",
    "Request",
    "Response",
    "Run",
    "Transient",
    "config",
    "context",
    "fetch",
    "handler",
    "http",
    "job",
    "keyvalue",
    "log",
    "model",
    "publish",
]
