"""Pipelines: checked, submitted, and kept in a project."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import frames
from .errors import InvalidError, Mistake, mistake_of
from .runs import Run, Runs
from .transport import Transport


@dataclass(frozen=True)
class Pipeline:
    """A pipeline that is kept in its project. ``text`` is its YAML, and absent in lists."""

    name: str
    number: int
    digest: str
    description: str | None
    since: datetime
    created_by: str
    text: str | None

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Pipeline:
        """From its JSON."""
        return cls(
            name=raw["name"],
            number=raw["number"],
            digest=raw["digest"],
            description=raw.get("description"),
            since=datetime.fromisoformat(raw["since"]),
            created_by=raw["created_by"],
            text=raw.get("pipeline"),
        )


class Pipelines:
    """The pipelines of a project. Where one is wanted, it is a file, a text of YAML, or the same as a dict."""

    def __init__(self, transport: Transport, runs: Runs) -> None:
        self._transport = transport
        self._runs = runs

    def submit(
        self,
        pipeline: str | os.PathLike[str] | Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        *,
        seed: int = 0,
        labels: Mapping[str, str] | None = None,
        as_of: datetime | str | None = None,
        id: str | None = None,
    ) -> Run:
        """Submits it; the run is durable when this returns. Mistakes come all at once, each with its place."""
        work = {"pipeline": text_of(pipeline)}
        return self._runs.submit(work, params=params, seed=seed, labels=labels, as_of=as_of, id=id)

    def start(self, name: str, params: Mapping[str, Any] | None = None, **more: Any) -> Run:
        """Submits one that is kept, by its name; further keywords are those of :meth:`submit`."""
        said = {"seed": 0, "labels": None, "as_of": None, "id": None, **more}
        return self._runs.submit({"standing": name}, params=params, **said)

    def check(self, pipeline: str | os.PathLike[str] | Mapping[str, Any]) -> list[Mistake]:
        """Every mistake in it, in the order of the text; none when it can be submitted."""
        body = {"pipeline": text_of(pipeline)}
        path = self._transport.in_project("/pipelines/check")
        answer = self._transport.json("POST", path, json=body, again=True)
        return [mistake_of(it) for it in answer["mistakes"]]

    def deploy(self, pipeline: str | os.PathLike[str] | Mapping[str, Any]) -> Pipeline:
        """Keeps it in the project, so that its triggers start it."""
        body = {"pipeline": text_of(pipeline)}
        return Pipeline.of(self._transport.json("POST", self._transport.in_project("/pipelines"), json=body))

    def list(self) -> Iterator[Pipeline]:
        """Those that are kept."""
        for raw in self._transport.items(self._transport.in_project("/pipelines")):
            yield Pipeline.of(raw)

    def get(self, name: str) -> Pipeline:
        """One that is kept, with its text."""
        return Pipeline.of(self._transport.json("GET", self._path(name)))

    def delete(self, name: str) -> None:
        """Keeps it no longer; its runs stay."""
        self._transport.send("DELETE", self._path(name))

    def _path(self, name: str) -> str:
        return self._transport.in_project(f"/pipelines/{quote(name)}")


def text_of(pipeline: str | os.PathLike[str] | Mapping[str, Any]) -> str:
    """The text of a pipeline; JSON is YAML, so that a dict needs no library."""
    if isinstance(pipeline, Mapping):
        return frames.json_text(pipeline)
    if isinstance(pipeline, str) and ("\n" in pipeline or pipeline.lstrip().startswith("{")):
        return pipeline
    path = Path(pipeline)
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        hint = "give the name of a file, a text of several lines, or a dict"
        raise InvalidError(f"could not read {path}: {error}", place=str(path), hint=hint) from None
