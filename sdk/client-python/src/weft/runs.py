"""Runs: how they stand, what their steps did, what they measured, wrote and made."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from . import frames, git, summary
from .artifacts import Artifact, Artifacts
from .errors import BusyError, InvalidError, NotFoundError, RunError, UnreachableError
from .transport import ATTEMPTS, FIRST_WAIT, Transport

if TYPE_CHECKING:
    import pandas

_LOOK = 60.0
"""How long a stream of events may be silent before it is asked for anew, in seconds."""


@dataclass(frozen=True)
class Failure:
    """What made a run or a step fail. ``kind`` is ``invalid``, ``transient`` or ``fatal``."""

    kind: str
    code: str
    message: str
    backtrace: str | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any] | None) -> Failure | None:
        """From its JSON, if there is any."""
        return None if raw is None else cls(raw["kind"], raw["code"], raw["message"], raw.get("backtrace"))


@dataclass(frozen=True)
class Metric:
    """One value of a metric."""

    step: str
    trial: int | None
    name: str
    value: float
    at_step: int | None
    at: datetime


@dataclass(frozen=True)
class LogLine:
    """A line that a step wrote or logged."""

    at: datetime
    step: str | None
    function: str
    stream: str
    level: str
    message: str
    fields: Mapping[str, Any]


class Step:
    """What a step of a run did, or a trial of a swept step."""

    def __init__(self, raw: Mapping[str, Any], run: str, transport: Transport) -> None:
        self.raw = raw
        self._run = run
        self._transport = transport

    @property
    def name(self) -> str:
        """The step; ``name#3`` for a trial of it."""
        trial = self.trial
        return self.raw["step"] if trial is None else f"{self.raw['step']}#{trial}"

    @property
    def trial(self) -> int | None:
        """Which trial of its sweep, counted from 0."""
        return self.raw.get("trial")

    @property
    def state(self) -> str:
        """``waiting``, ``ready``, ``running``, ``done``, ``failed``, ``skipped`` or ``cancelled``."""
        return self.raw["state"]

    @property
    def params(self) -> dict[str, Any]:
        """The parameters it ran with."""
        return self.raw["params"]

    @property
    def results(self) -> dict[str, Any]:
        """Its results; metrics stand here by their last value."""
        return self.raw["results"]

    @property
    def inputs(self) -> list[Mapping[str, Any]]:
        """What went into it: name, digest, kind and where it came from."""
        return self.raw["inputs"]

    @property
    def outputs(self) -> dict[str, Artifact]:
        """What it made, by name."""
        made = (Artifact.of(it, self._transport, run=self._run, step=self.name) for it in self.raw["outputs"])
        return {it.name: it for it in made}

    @property
    def failure(self) -> Failure | None:
        """What made it fail."""
        return Failure.of(self.raw.get("failure"))

    @property
    def is_cached(self) -> bool:
        """Whether equal work of an earlier run was taken instead."""
        return self.raw.get("cached_from") is not None

    @property
    def took_s(self) -> float | None:
        """How long its last attempt took, in seconds."""
        start, end = frames.moment(self.raw.get("started_at")), frames.moment(self.raw.get("finished_at"))
        return (end - start).total_seconds() if start and end else None

    @property
    def progress(self) -> float | None:
        """How far it says it is, from 0 to 1."""
        progress = self.raw.get("progress")
        return None if progress is None else progress["fraction"]

    def __repr__(self) -> str:
        return f"<Step {self.name} {self.state}>"


@dataclass(frozen=True)
class Change:
    """Something that changed in a run: the run itself, or one of its steps."""

    run: Run
    step: Step | None = None


class Run:
    """One execution of a pipeline, of a job, or of a program that was tracked.

    The record is as it was when it was last read; :meth:`refresh`, :meth:`watch` and :meth:`wait` read it anew.
    """

    def __init__(self, raw: Mapping[str, Any], transport: Transport) -> None:
        self.raw = raw
        self._transport = transport
        self._detail: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        """Its identity."""
        return self.raw["id"]

    @property
    def name(self) -> str:
        """The pipeline's name, the function's, or that of the tracked program."""
        return self.raw["name"]

    @property
    def kind(self) -> str:
        """``pipeline``, ``job``, ``request``, ``event`` or ``tracked``."""
        return self.raw["kind"]

    @property
    def state(self) -> str:
        """``running``, ``done``, ``failed`` or ``cancelled``."""
        return self.raw["state"]

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state != "running"

    @property
    def failure(self) -> Failure | None:
        """What made it fail."""
        return Failure.of(self.raw.get("failure"))

    @property
    def params(self) -> dict[str, Any]:
        """Its parameters."""
        return self.raw["params"]

    @property
    def labels(self) -> dict[str, str]:
        """Labels to search by."""
        return self.raw["labels"]

    @property
    def owner(self) -> str:
        """On whose behalf it ran."""
        return self.raw["owner"]

    @property
    def commit(self) -> str | None:
        """The commit of the code, as the submitter told it."""
        return self.raw["code"].get("commit")

    @property
    def created_at(self) -> datetime:
        """When it was submitted."""
        return datetime.fromisoformat(self.raw["created_at"])

    @property
    def duration(self) -> timedelta | None:
        """How long it took, once it is over."""
        end = frames.moment(self.raw.get("finished_at"))
        return None if end is None else end - self.created_at

    @property
    def detail(self) -> Mapping[str, Any]:
        """Everything on record: pipeline, functions, models, platform, steps."""
        if self._detail is None:
            self._detail = self._transport.json("GET", self._path())
            self.raw = self._detail["run"]
        return self._detail

    @property
    def steps(self) -> list[Step]:
        """Its steps and trials, in the pipeline's order."""
        return [Step(it, self.id, self._transport) for it in self.detail["steps"]]

    def step(self, name: str) -> Step:
        """A step by its name, or a trial as ``name#3``."""
        for step in self.steps:
            if step.name == name:
                return step
        raise NotFoundError(f"run {self.id} has no step `{name}`", hint=f"it has {', '.join(it.name for it in self.steps)}")

    @property
    def results(self) -> dict[str, Any]:
        """The results of its only step, or of every step by the step's name."""
        steps = [it for it in self.steps if it.trial is None]
        return steps[0].results if len(steps) == 1 else {it.name: it.results for it in steps}

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """What its steps made: by name where it has one step, else as ``step.name``."""
        steps = [it for it in self.steps if it.trial is None]
        alone = len(steps) == 1
        return {key if alone else f"{step.name}.{key}": made for step in steps for key, made in step.outputs.items()}

    def artifact(self, name: str) -> Artifact:
        """One of them; the step may be left out where only one step has an output of that name."""
        made = self.artifacts
        fitting = [it for key, it in made.items() if key == name] or [it for it in made.values() if it.name == name]
        if len(fitting) == 1:
            return fitting[0]
        how = "several artifacts" if fitting else "no artifact"
        raise NotFoundError(f"run {self.id} has {how} named `{name}`", hint=f"it has {', '.join(made) or 'none'}")

    def metrics(self) -> list[Metric]:
        """Every value of every metric, in order of step, name and time."""
        detail = self._transport.json("GET", self._path(), params={"metrics": "true"})
        return [
            Metric(
                step=it["step"],
                trial=it.get("trial"),
                name=it["name"],
                value=frames.number(it["value"]),
                at_step=it.get("at_step"),
                at=datetime.fromisoformat(it["at"]),
            )
            for it in detail["metrics"]
        ]

    def metrics_frame(self) -> pandas.DataFrame:
        """The same as a frame with the columns step, trial, name, value, at_step and at."""
        rows = (vars(it) for it in self.metrics())
        return frames.frame(rows, ["step", "trial", "name", "value", "at_step", "at"])

    def frame(self) -> pandas.DataFrame:
        """Its steps and trials as a frame; params and results are columns of their own."""
        rows = []
        for it in self.steps:
            row: dict[str, Any] = {"step": it.raw["step"], "trial": it.trial, "state": it.state}
            row |= {"cached": it.is_cached, "took_s": it.took_s}
            row |= {f"params.{key}": value for key, value in it.params.items()}
            row |= {f"results.{key}": value for key, value in it.results.items()}
            rows.append(row)
        return frames.frame(rows, ["step", "trial", "state", "cached", "took_s"])

    def summary(self) -> str:
        """Its state, how long it took, its steps with their results, and what they made, as a text."""
        return summary.text(self)

    def _repr_html_(self) -> str:
        return summary.html(self)

    def logs(self, *, step: str | None = None, level: str | None = None, limit: int | None = None) -> Iterator[LogLine]:
        """What its steps wrote and logged, oldest first."""
        params = {"run": self.id, "step": step, "level": level, "order": "oldest"}
        for it in self._transport.items(self._transport.in_project("/logs"), params, limit):
            yield LogLine(
                at=datetime.fromisoformat(it["at"]),
                step=it.get("step"),
                function=it["function"],
                stream=it["stream"],
                level=it["level"],
                message=it["message"],
                fields=it.get("fields") or {},
            )

    def refresh(self) -> Run:
        """Reads the record anew."""
        self._detail = None
        return self if self.detail else self

    def watch(self, timeout: float | None = None) -> Iterator[Change]:
        """What changes, as it does, until the run is over; at first how everything stands.

        A stream that breaks off is taken up again. :class:`TimeoutError` after ``timeout`` seconds; the run goes on.
        """
        end = None if timeout is None else time.monotonic() + timeout
        failures = 0
        while True:
            try:
                for kind, data in self._events(end):
                    failures = 0
                    if kind == "end":
                        self._detail = None
                        return
                    if kind == "run":
                        self.raw, self._detail = data, None
                        yield Change(self)
                    elif kind == "step":
                        yield Change(self, Step(data, self.id, self._transport))
            except (UnreachableError, BusyError, httpx.TransportError):
                failures += 1
                if failures == ATTEMPTS:
                    raise
                time.sleep(FIRST_WAIT * 2**failures)
            else:
                # A host that stops ends its streams; the one after it goes on with them.
                time.sleep(FIRST_WAIT)
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"run {self.id} is not over after {timeout:g} s")

    def wait(
        self, timeout: float | None = None, *, check: bool = True, progress: Callable[[Change], None] | None = None
    ) -> Run:
        """Waits until the run is over; ``progress`` is told of every change.

        Raises :class:`RunError` when it did not end well, unless ``check`` is false.
        """
        if not self.is_over:
            for change in self.watch(timeout):
                if progress is not None:
                    progress(change)
        self.refresh()
        if check and self.state != "done":
            failure = self.failure
            detail = f"run {self.id} ({self.name}) {'was' if self.state == 'cancelled' else 'has'} {self.state}"
            told = f": {failure.message}" if failure else ""
            raise RunError(detail + told, run=self, code=failure.code if failure else self.state, hint=f"fn runs logs {self.id}")
        return self

    def cancel(self) -> Run:
        """Stops it: what waits at once, what runs as soon as it can."""
        return self._changed("cancel", again=True)

    def retry(self) -> Run:
        """Runs again what failed, what came after it, and what has a newer revision by now."""
        return self._changed("retry", again=False)

    def reproduce(self) -> Run:
        """A new run that does this one again from its record."""
        raw = self._transport.json("POST", f"{self._path()}/reproduce", json={})
        return Run(raw, self._transport)

    def comparison(self) -> Mapping[str, Any]:
        """A reproduction beside its original, artifact by artifact."""
        return self._transport.json("GET", f"{self._path()}/comparison")

    def _changed(self, verb: str, again: bool) -> Run:
        self.raw = self._transport.json("POST", f"{self._path()}/{verb}", json={}, again=again)
        self._detail = None
        return self

    def _events(self, end: float | None) -> Iterator[tuple[str, Any]]:
        silence = _LOOK if end is None else max(0.05, min(_LOOK, end - time.monotonic()))
        kind, data = "", ""
        with self._transport.stream(f"{self._path()}/events", read_timeout=silence) as answer:
            try:
                for line in answer.iter_lines():
                    if line.startswith("event:"):
                        kind = line[6:].strip()
                    elif line.startswith("data:"):
                        data += line[5:].strip()
                    elif not line and kind:
                        yield kind, json.loads(data)
                        kind, data = "", ""
                    # A host that lives says so now and then, whether or not anything has changed.
                    if end is not None and time.monotonic() >= end:
                        return
            except httpx.ReadTimeout:
                return

    def _path(self) -> str:
        return self._transport.in_project(f"/runs/{self.id}")

    def __repr__(self) -> str:
        return f"<Run {self.id} {self.name} {self.state}>"


class Runs:
    """The runs of a project."""

    def __init__(self, transport: Transport, artifacts: Artifacts) -> None:
        self._transport = transport
        self._artifacts = artifacts

    def list(
        self,
        *,
        state: str | None = None,
        name: str | None = None,
        labels: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Iterator[Run]:
        """Newest first; pages are fetched as they are needed."""
        pairs = ",".join(f"{key}={value}" for key, value in (labels or {}).items()) or None
        path = self._transport.in_project("/runs")
        for raw in self._transport.items(path, {"state": state, "name": name, "labels": pairs}, limit):
            yield Run(raw, self._transport)

    def frame(self, **which: Any) -> pandas.DataFrame:
        """The same as a frame, with a column per param; 100 runs unless ``limit`` says otherwise."""
        which.setdefault("limit", 100)
        rows = []
        for run in self.list(**which):
            took = run.duration
            row: dict[str, Any] = {"id": run.id, "name": run.name, "kind": run.kind, "state": run.state}
            row |= {"created_at": run.created_at, "took_s": took.total_seconds() if took else None, "owner": run.owner}
            row |= {f"params.{key}": value for key, value in run.params.items()}
            rows.append(row)
        return frames.frame(rows, ["id", "name", "kind", "state", "created_at", "took_s", "owner"])

    def get(self, id: str) -> Run:
        """A run by its id."""
        try:
            uuid.UUID(id)
        except ValueError:
            raise InvalidError(f"`{id}` is not the id of a run", hint="runs.list() has the ids") from None
        detail = self._transport.json("GET", self._transport.in_project(f"/runs/{id}"))
        run = Run(detail["run"], self._transport)
        run._detail = detail
        return run

    def start(
        self,
        function: str,
        *,
        inputs: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        seed: int = 0,
        labels: Mapping[str, str] | None = None,
        as_of: datetime | str | None = None,
        id: str | None = None,
    ) -> Run:
        """Runs a job: ``name`` or ``name@revision``. Inputs are files, bytes, frames, artifacts, digests, addresses or
        ``model:NAME``; what is here is uploaded first."""
        sources = {name: self._artifacts.source(value, name) for name, value in (inputs or {}).items()}
        body = {"function": function, "inputs": sources}
        return self.submit(body, params=params, seed=seed, labels=labels, as_of=as_of, id=id)

    def submit(
        self,
        work: Mapping[str, Any],
        *,
        params: Mapping[str, Any] | None,
        seed: int,
        labels: Mapping[str, str] | None,
        as_of: datetime | str | None,
        id: str | None,
    ) -> Run:
        """Submits whatever ``work`` says. The identity is ours, so that a repeated request begins nothing twice."""
        body = {
            **work,
            "id": id or git.identity(),
            "params": frames.plain(params or {}),
            "seed": seed,
            "labels": dict(labels or {}),
            "as_of": as_of.isoformat() if isinstance(as_of, datetime) else as_of,
            "code": git.code(),
        }
        raw = self._transport.json("POST", self._transport.in_project("/runs"), json=body, again=True)
        return Run(raw, self._transport)
