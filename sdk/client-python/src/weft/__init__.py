"""Client of Weft: functions, pipelines, runs, artifacts and models of a host, and runs tracked without one.

>>> import weft
>>> client = weft.connect()
>>> run = client.pipelines.submit("pipeline.yaml", {"rows": 100}).wait()
>>> run.artifact("model").bytes()
"""

from .artifacts import Artifact
from .client import Client, connect
from .errors import (
    BusyError,
    CallError,
    ConflictError,
    DamagedError,
    DeniedError,
    InvalidError,
    Mistake,
    NotFoundError,
    RunError,
    UnreachableError,
    WeftError,
)
from .functions import Event, Function, Outcome, Output, Release, Response, Revision
from .models import Model, Prediction, Version
from .pipelines import Pipeline
from .push import Pushed
from .runs import Change, Failure, LogLine, Metric, Run, Step
from .tracking import TrackedRun, run

__version__ = "0.1.0"

__all__ = [
    "Artifact",
    "BusyError",
    "CallError",
    "Change",
    "Client",
    "ConflictError",
    "DamagedError",
    "DeniedError",
    "Event",
    "Failure",
    "Function",
    "InvalidError",
    "LogLine",
    "Metric",
    "Mistake",
    "Model",
    "NotFoundError",
    "Outcome",
    "Output",
    "Pipeline",
    "Prediction",
    "Pushed",
    "Release",
    "Response",
    "Revision",
    "Run",
    "RunError",
    "Step",
    "TrackedRun",
    "UnreachableError",
    "Version",
    "WeftError",
    "connect",
    "run",
]
