"""A client of one project of one host."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Mapping

from .artifacts import Artifacts
from .contexts import resolve
from .functions import Functions
from .models import Models
from .pipelines import Pipelines
from .push import Pushed, Pusher
from .runs import Runs
from .tracking import TrackedRun
from .transport import Transport


class Client:
    """One project of one host. Safe to share between threads; a context, which closes its connections."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.artifacts = Artifacts(transport)
        """Bytes by digest."""
        self.functions = Functions(transport)
        """Deployed components."""
        self.runs = Runs(transport, self.artifacts)
        """Executions of pipelines and jobs."""
        self.pipelines = Pipelines(transport, self.runs)
        """DAGs of functions."""
        self.models = Models(transport, self.artifacts)
        """The registry, and predictions."""

    @property
    def url(self) -> str:
        """The address of the host."""
        return self._transport.connection.host

    @property
    def project(self) -> str:
        """The project it is about."""
        return self._transport.connection.project

    def whoami(self) -> Mapping[str, Any]:
        """Who the host takes this client for."""
        return self._transport.json("GET", "/api/v1/principal")

    def push(
        self, run: str | TrackedRun | None = None, *, folder: str | os.PathLike[str] | None = None
    ) -> list[Pushed]:
        """Sends a tracked run, by itself or by its id; without one, every run of the folder that was not sent here yet."""
        pusher = Pusher(self._transport, folder)
        return pusher.all() if run is None else [pusher.one(run)]

    def close(self) -> None:
        """Lets go of all connections."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<weft.Client of {self.project} at {self.url}>"


def connect(
    url: str | None = None,
    token: str | None = None,
    project: str | None = None,
    *,
    ca: str | os.PathLike[str] | None = None,
    timeout: float = 60.0,
) -> Client:
    """A client of a host: by its address, by the name of a context of ``fn login``, or as ``fn`` would choose it.

    What is not said here is taken from ``WEFT_HOST``, ``WEFT_TOKEN``, ``WEFT_PROJECT`` and ``WEFT_CA``, then from the
    context in use. Nothing is sent yet. ``timeout`` is how long an answer may take, in seconds.
    """
    return Client(Transport(resolve(url, token, project, ca), timeout))
