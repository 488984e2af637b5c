"""Artifacts: bytes by their digest, read as bytes, text, JSON or frames."""

from __future__ import annotations

import hashlib
import json
import mimetypes
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, Mapping

from . import frames
from .errors import DamagedError, InvalidError
from .transport import Transport

if TYPE_CHECKING:
    import pandas

KINDS = ("dataset", "model", "plot", "table", "report", "file")
"""What an artifact can be for."""

_FETCHED = ("http://", "https://", "s3://", "gs://", "az://")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Artifact:
    """Bytes under a name, described. They are read when they are asked for, and held against their digest."""

    digest: str
    name: str
    kind: str
    size: int
    media_type: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    run: str | None = None
    step: str | None = None
    created_at: datetime | None = None
    _transport: Transport | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any], transport: Transport, **more: Any) -> Artifact:
        """From its JSON."""
        return cls(
            digest=raw["digest"],
            name=raw["name"],
            kind=raw["kind"],
            size=raw["size"],
            media_type=raw.get("media_type"),
            metadata=raw.get("metadata") or {},
            run=more.get("run") or raw.get("run"),
            step=more.get("step") or raw.get("step"),
            created_at=frames.moment(raw.get("created_at")),
            _transport=transport,
        )

    @property
    def url(self) -> str:
        """Where the host gives them to whoever may read."""
        return self._connected().connection.host + self._path()

    def bytes(self) -> bytes:
        """All of them."""
        data = self._connected().send("GET", self._path()).content
        self._verify(hashlib.sha256(data))
        return data

    def text(self, encoding: str = "utf-8") -> str:
        """As text."""
        return self.bytes().decode(encoding)

    def json(self) -> Any:
        """As JSON."""
        return json.loads(self.bytes())

    def frame(self, **options: Any) -> pandas.DataFrame:
        """As a table: CSV, Parquet or JSON. Options go to the reader of pandas."""
        return frames.read(self.bytes(), self.name, self.media_type, **options)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """To a file, which appears once all of it is there. A folder gets it under the artifact's name."""
        target = Path(path)
        if target.is_dir():
            # What a guest calls its output must not choose a folder.
            target = target / (Path(self.name).name or self.digest[7:])
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        hashed = hashlib.sha256()
        try:
            with self._connected().stream(self._path()) as answer, draft.open("wb") as out:
                for piece in answer.iter_bytes(_CHUNK):
                    hashed.update(piece)
                    out.write(piece)
            self._verify(hashed)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return target

    def _path(self) -> str:
        return self._connected().in_project(f"/artifacts/{self.digest}/content")

    def _connected(self) -> Transport:
        if self._transport is None:
            raise InvalidError("this artifact is of no host")
        return self._transport

    def _verify(self, hashed: Any) -> None:
        actual = f"sha256:{hashed.hexdigest()}"
        if actual != self.digest:
            raise DamagedError(f"`{self.name}` came with the digest {actual} instead of {self.digest}")


class Artifacts:
    """The artifacts of a project."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, *, kind: str | None = None, run: str | None = None, name: str | None = None, limit: int | None = None
    ) -> Iterator[Artifact]:
        """Newest first; pages are fetched as they are needed."""
        path = self._transport.in_project("/artifacts")
        for raw in self._transport.items(path, {"kind": kind, "run": run, "name": name}, limit):
            yield Artifact.of(raw, self._transport)

    def get(self, digest: str) -> Artifact:
        """What is known of some bytes."""
        raw = self._transport.json("GET", self._transport.in_project(f"/artifacts/{digest}"))
        return Artifact.of(raw, self._transport)

    def upload(
        self, content: Any, name: str | None = None, *, kind: str | None = None, media_type: str | None = None
    ) -> Artifact:
        """Stores a file (by its path), bytes, text or a frame (as CSV)."""
        name, data, kind, media_type = described(content, name, kind, media_type)
        raw = self._transport.json(
            "POST",
            self._transport.in_project("/artifacts"),
            params={"name": name, "kind": kind},
            content=data,
            headers={"content-type": media_type},
        )
        return Artifact.of(raw, self._transport)

    def source(self, value: Any, name: str) -> dict[str, str]:
        """An input of a job as the API wants it. What is here is uploaded first.

        Texts are digests (``sha256:…``), addresses (``https://…``), models (``model:wine@3``) or names of files.
        """
        if isinstance(value, Artifact):
            return {"artifact": value.digest}
        if isinstance(value, str):
            if value.startswith("sha256:"):
                return {"artifact": value}
            if value.startswith(_FETCHED):
                return {"url": value}
            if value.startswith("model:"):
                return {"model": value.removeprefix("model:")}
            value = Path(value)
        return {"artifact": self.upload(value, None if isinstance(value, os.PathLike) else name).digest}


def described(content: Any, name: str | None, kind: str | None, media_type: str | None) -> tuple[str, bytes, str, str]:
    """Name, bytes, kind and media type of something to keep, as far as they can be told from it."""
    if isinstance(content, os.PathLike):
        path = Path(content)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InvalidError(f"could not read {path}: {error.strerror or error}") from None
        guessed = mimetypes.guess_type(path.name)[0]
        name = name or path.name
    elif frames.is_frame(content):
        data, guessed = frames.csv_bytes(content), "text/csv"
    elif isinstance(content, (bytes, bytearray, memoryview)):
        data, guessed = bytes(content), mimetypes.guess_type(name or "")[0]
    elif isinstance(content, str):
        data, guessed = content.encode(), mimetypes.guess_type(name or "")[0] or "text/plain; charset=utf-8"
    elif isinstance(content, (Mapping, list)):
        data, guessed = frames.json_text(content).encode(), "application/json"
    else:
        hint = "give a path, bytes, a text, a frame, or a dict or list for JSON"
        raise InvalidError(f"a {type(content).__name__} is nothing that can be stored", hint=hint)
    if not name:
        raise InvalidError("what is stored needs a name", hint="give it as the second argument")
    media_type = media_type or guessed or "application/octet-stream"
    kind = kind or _guess(name, media_type)
    if kind not in KINDS:
        raise InvalidError(f"`{kind}` is not a kind", hint=f"use one of {', '.join(KINDS)}")
    return name, data, kind, media_type


def _guess(name: str, media_type: str) -> str:
    if media_type.startswith("text/csv") or name.endswith((".csv", ".parquet", ".tsv", ".jsonl")):
        return "dataset"
    if name.endswith((".onnx", ".pkl", ".joblib", ".safetensors")):
        return "model"
    if media_type.startswith("image/"):
        return "plot"
    return "report" if media_type.startswith("text/html") else "file"
