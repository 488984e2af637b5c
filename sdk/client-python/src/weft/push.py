"""Sends tracked runs to a host. Sending one again changes nothing."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import ConflictError, DamagedError, InvalidError, NotFoundError
from .runs import Run
from .tracking import FOLDER, TrackedRun
from .transport import Transport

MOST_METRICS = 20_000
"""The most values of metrics that a host takes with one run."""

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Pushed:
    """A run that a host has now; ``is_new`` unless it had it before."""

    run: Run
    is_new: bool


class Pusher:
    """Sends runs from a folder to one project of one host."""

    def __init__(self, transport: Transport, folder: str | os.PathLike[str] | None) -> None:
        self._transport = transport
        self._folder = Path(folder if folder is not None else FOLDER)

    def one(self, run: str | TrackedRun) -> Pushed:
        """A run that is over, by itself, its id or the beginning of it."""
        folder = run.folder if isinstance(run, TrackedRun) else self._named(run)
        record = _read(folder)
        if record is None:
            hint = "send it after its `with` block"
            raise ConflictError("the run is still going on", place=str(folder), hint=hint)
        return self._push(folder, record)

    def all(self) -> list[Pushed]:
        """Every run that is over and was not sent here yet."""
        here = self._here()
        waiting = (it for it in self._folders() if here not in _pushed(it))
        records = ((folder, _read(folder)) for folder in waiting)
        return [self._push(folder, record) for folder, record in records if record is not None]

    def _push(self, folder: Path, record: dict[str, Any]) -> Pushed:
        for it in record.get("inputs", []):
            # Of what a run read often only the digest was kept.
            if _file(folder, it).exists():
                self._upload(folder, it)
        for it in record.get("outputs", []):
            self._upload(folder, it)
        # The identity is the run's own, so that sending it twice is harmless.
        path = self._transport.in_project("/runs/import")
        answer = self._transport.send("POST", path, json=record, again=True)
        done = Pushed(Run(answer.json(), self._transport), answer.status_code == 201)
        there = _pushed(folder)
        if self._here() not in there:
            (folder / "pushed.json").write_text(json.dumps([*there, self._here()]), encoding="utf-8")
        return done

    def _upload(self, folder: Path, item: Mapping[str, Any]) -> None:
        digest = item["digest"]
        known = self._transport.send("GET", self._transport.in_project(f"/artifacts/{digest}"), check=False)
        if known.is_success:
            return
        file = _file(folder, item)
        try:
            size = file.stat().st_size
        except OSError as error:
            raise InvalidError(f"could not read the bytes of `{item['name']}`: {error.strerror}", place=str(file)) from None
        stored = self._transport.json(
            "POST",
            self._transport.in_project("/artifacts"),
            params={"name": item["name"], "kind": item["kind"]},
            content=_Blocks(file),
            headers={
                "content-type": item.get("media_type") or "application/octet-stream",
                "content-length": str(size),
            },
        )
        if stored["digest"] != digest:
            what = f"the bytes of `{item['name']}` are not what they were: {stored['digest']} now, {digest} then"
            raise DamagedError(what, place=str(file))

    def _here(self) -> dict[str, str]:
        connection = self._transport.connection
        return {"host": connection.host, "project": connection.project}

    def _folders(self) -> list[Path]:
        """Oldest first: identities are in the order of time."""
        return sorted(it.parent for it in self._folder.glob("*/run.json"))

    def _named(self, id: str) -> Path:
        fitting = [it for it in self._folders() if it.name.startswith(id)]
        if len(fitting) == 1:
            return fitting[0]
        if not fitting:
            raise NotFoundError(f"no tracked run begins with `{id}`", place=str(self._folder))
        raise InvalidError(f"{len(fitting)} runs begin with `{id}`", hint="give more of the id")


class _Blocks:
    """A file that can be sent more than once."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        with self._file.open("rb") as opened:
            while block := opened.read(_BLOCK):
                yield block


def _read(folder: Path) -> dict[str, Any] | None:
    """A run as the API takes it; none while it is going on."""
    file = folder / "run.json"
    try:
        record = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidError(f"could not read the tracked run: {error}", place=str(file)) from None
    if record["state"] == "running":
        if _is_held(folder / "lock"):
            return None
        record["state"] = "failed"
        record["failure"] = {"code": "broken-off", "message": "the process ended without telling how"}
    metrics = _metrics(folder / "metrics.jsonl")
    record["finished_at"] = max([record["finished_at"], *(it["at"] for it in metrics)])
    record["metrics"] = thinned(metrics)
    return record


def _metrics(file: Path) -> list[dict[str, Any]]:
    metrics: list[dict[str, Any]] = []
    with file.open(encoding="utf-8") if file.exists() else open(os.devnull, encoding="utf-8") as lines:
        for line in lines:
            # Only the last line of a process that was killed can be half a line.
            if line.endswith("\n"):
                metrics.append(json.loads(line))
    return metrics


def thinned(metrics: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many values as a host takes: of each metric the first and the last, and between them one in so many."""
    if len(metrics) <= MOST_METRICS:
        return metrics
    stride = -(-2 * len(metrics) // MOST_METRICS)
    lengths: dict[str, int] = {}
    for it in metrics:
        lengths[it["name"]] = lengths.get(it["name"], 0) + 1
    kept, places = [], dict.fromkeys(lengths, 0)
    for it in metrics:
        place = places[it["name"]]
        places[it["name"]] += 1
        if place % stride == 0 or place + 1 == lengths[it["name"]]:
            kept.append(it)
    told = f"{len(metrics)} values of metrics are more than a host takes; {len(kept)} of them are sent"
    warnings.warn(told, stacklevel=2)
    return kept


def _pushed(folder: Path) -> list[dict[str, str]]:
    # Not knowing is harmless: the run is sent once more, and nothing changes.
    try:
        return json.loads((folder / "pushed.json").read_text("utf-8"))
    except (OSError, ValueError):
        return []


def _file(folder: Path, item: Mapping[str, Any]) -> Path:
    return folder / "files" / str(item["digest"]).removeprefix("sha256:").replace("/", "")


def _is_held(lock: Path) -> bool:
    """Whether the process that tracks the run lives."""
    if sys.platform == "win32" or not lock.exists():
        return False
    import fcntl

    with lock.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
