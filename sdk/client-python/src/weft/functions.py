"""Functions: deployed as components, called over HTTP or with events."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import frames
from .errors import BusyError, CallError, InvalidError, mistake_of, of_response
from .transport import Transport

_EVENTS = "application/vnd.weft.events+json"


@dataclass(frozen=True)
class Function:
    """A function in service."""

    name: str
    revision: int
    entries: tuple[str, ...]
    path: str | None
    description: str | None
    deployed_at: datetime
    deployed_by: str
    raw: Mapping[str, Any] = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Function:
        """From its JSON."""
        return cls(
            name=raw["name"],
            revision=raw["revision"],
            entries=tuple(raw["entries"]),
            path=raw.get("path"),
            description=raw.get("description"),
            deployed_at=datetime.fromisoformat(raw["deployed_at"]),
            deployed_by=raw["deployed_by"],
            raw=raw,
        )


@dataclass(frozen=True)
class Revision:
    """One immutable version of a function."""

    function: str
    number: int
    component: str
    manifest: Mapping[str, Any] = field(repr=False)
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Revision:
        """From its JSON."""
        return cls(
            function=raw["function"],
            number=raw["number"],
            component=raw["component"],
            manifest=raw["manifest"],
            created_at=datetime.fromisoformat(raw["created_at"]),
            created_by=raw["created_by"],
        )


@dataclass(frozen=True)
class Release:
    """What came of a deploy, an activation or a rollback."""

    revision: Revision
    is_active: bool
    previous: int | None
    path: str | None
    warnings: tuple[str, ...]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Release:
        """From its JSON."""
        return cls(
            revision=Revision.of(raw["revision"]),
            is_active=raw["is_active"],
            previous=raw.get("previous"),
            path=raw.get("path"),
            warnings=tuple(raw.get("warnings") or ()),
        )


@dataclass(frozen=True)
class Response:
    """What a function answered over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def call(self) -> str | None:
        """The id of the call, for ``fn logs --call``."""
        return self.headers.get("x-weft-call-id")

    @property
    def revision(self) -> str | None:
        """The revision that answered."""
        return self.headers.get("x-weft-revision")

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Event:
    """An event to call a function with. ``data`` is bytes, or anything that JSON can hold."""

    data: Any = None
    type: str | None = None
    subject: str | None = None
    id: str | None = None
    source: str | None = None
    time: datetime | str | None = None
    content_type: str | None = None
    key: str | None = None
    inlet: str | None = None
    extensions: Mapping[str, str] = field(default_factory=dict)

    def raw(self) -> dict[str, Any]:
        """As the API wants it."""
        said = {
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat() if isinstance(self.time, datetime) else self.time,
            "datacontenttype": self.content_type,
            "key": self.key,
            "inlet": self.inlet,
        }
        raw: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        raw["extensions"] = dict(self.extensions)
        if isinstance(self.data, (bytes, bytearray)):
            raw["data_base64"] = base64.b64encode(self.data).decode()
        elif self.data is not None:
            raw["data"] = frames.plain(self.data)
        return raw


@dataclass(frozen=True)
class Output:
    """What a function gave back for an event: ``data`` is JSON, text or bytes."""

    data: Any
    type: str
    outlet: str
    subject: str | None
    content_type: str | None
    extensions: Mapping[str, str]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Output:
        """From its JSON."""
        encoded = raw.get("data_base64")
        return cls(
            data=raw.get("data") if encoded is None else base64.b64decode(encoded),
            type=raw["type"],
            outlet=raw.get("outlet", ""),
            subject=raw.get("subject"),
            content_type=raw.get("datacontenttype"),
            extensions=raw.get("extensions") or {},
        )


@dataclass(frozen=True)
class Outcome:
    """What came of one event: outputs, or an error."""

    outputs: tuple[Output, ...] = ()
    error: CallError | None = None

    @classmethod
    def of(cls, raw: Mapping[str, Any], call: str | None) -> Outcome:
        """From its JSON."""
        failure = raw.get("failure")
        if failure is None:
            return cls(tuple(Output.of(it) for it in raw.get("outputs") or ()))
        said = {"kind": failure["kind"], "code": failure["code"], "call": call}
        return cls(error=CallError(failure["message"], **said))


class Functions:
    """The functions of a project."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> Iterator[Function]:
        """Those in service, in order of name."""
        for raw in self._transport.items(self._transport.in_project("/functions")):
            yield Function.of(raw)

    def get(self, name: str) -> Function:
        """One of them."""
        return Function.of(self._transport.json("GET", self._path(name))["function"])

    def deploy(
        self,
        source: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        manifest: Mapping[str, Any] | str | None = None,
        activate: bool = True,
    ) -> Release:
        """Deploys a ``.wasm`` file, a folder with ``function.toml`` and what ``fn build`` wrote beside it, or bytes.

        ``manifest`` stands for the folder's: the text of a ``function.toml``, or the same as a dict. The bytes are sent
        only where the host has not got them.
        """
        component, manifest = _opened(source, name, manifest)
        digest = f"sha256:{hashlib.sha256(component).hexdigest()}"
        path = f"/api/v1/components/{digest}"
        if self._transport.send("HEAD", path, check=False).is_error:
            headers = {"content-type": "application/wasm"}
            self._transport.send("PUT", path, content=component, headers=headers)
        # The same component and manifest make no second revision, so that repeating it is harmless.
        raw = self._transport.json(
            "POST",
            f"{self._path(_name_of(manifest))}/revisions",
            params={"activate": "true" if activate else "false"},
            json={"component": digest, "manifest": manifest},
            again=True,
        )
        return Release.of(raw)

    def revisions(self, name: str) -> Iterator[Revision]:
        """Every revision, newest first."""
        for raw in self._transport.items(f"{self._path(name)}/revisions"):
            yield Revision.of(raw)

    def activate(self, name: str, number: int) -> Release:
        """Makes a revision the one that answers."""
        path = f"{self._path(name)}/revisions/{number}/activate"
        return Release.of(self._transport.json("POST", path, json={}, again=True))

    def rollback(self, name: str, to: int | None = None) -> Release:
        """Back to the revision that was active before, or to one by its number."""
        return Release.of(self._transport.json("POST", f"{self._path(name)}/rollback", json={"to": to}))

    def delete(self, name: str) -> None:
        """Takes it out of service. Revisions and records stay."""
        self._transport.send("DELETE", self._path(name))

    def call(
        self,
        name: str,
        body: Any = None,
        *,
        method: str = "POST",
        path: str = "",
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        check: bool = True,
    ) -> Response:
        """One HTTP request to ``/fn/<name>`` and what follows in ``path``.

        Bytes and texts are sent as they are, anything else as JSON. A status from 400 on raises, unless ``check`` is
        false. Calls are not repeated once they may have reached the function, whatever their method.
        """
        project = self._transport.connection.project
        address = f"/fn/{name}" if project == "default" else f"/fn/{project}:{name}"
        if path:
            address += f"/{path.lstrip('/')}"
        content, media_type = _body(body)
        given = {"content-type": media_type} if media_type else {}
        answer = self._transport.send(
            method,
            address,
            params=query,
            content=content,
            headers={**given, **(headers or {})},
            again=False,
            check=False,
        )
        if check and answer.is_error:
            raise _of_call(answer)
        return Response(answer.status_code, answer.headers, answer.content)

    def invoke(self, name: str, data: Any = None, **event: Any) -> Sequence[Output]:
        """Calls ``name`` or ``name@revision`` with one event and gives back its outputs.

        Other keywords are those of :class:`Event`. Raises :class:`CallError` when the event fails.
        """
        outcome = self.invoke_all(name, [Event(data, **event)])[0]
        if outcome.error is not None:
            raise outcome.error
        return outcome.outputs

    def invoke_all(self, name: str, events: Sequence[Event | Mapping[str, Any]]) -> Sequence[Outcome]:
        """Calls it with several events at once; the outcome of each stands in its place."""
        raw = [it.raw() if isinstance(it, Event) else Event(it).raw() for it in events]
        answer = self._transport.json(
            "POST",
            f"{self._path(name)}/invoke",
            content=frames.json_text({"events": raw}).encode(),
            headers={"content-type": _EVENTS},
        )
        return [Outcome.of(it, answer.get("call")) for it in answer["outcomes"]]

    def _path(self, name: str) -> str:
        return self._transport.in_project(f"/functions/{quote(name, safe='@')}")


def _of_call(answer: Any) -> Exception:
    error = of_response(answer.status_code, answer.content, answer.reason_phrase)
    if isinstance(error, BusyError):
        return error
    said = {"title": error.title, "code": error.code, "status": error.status, "hint": error.hint}
    call = error.call or answer.headers.get("x-weft-call-id")
    kind = "invalid" if answer.status_code < 500 else "fatal"
    return CallError(error.detail, kind=kind, call=call, place=error.place, mistakes=error.mistakes, **said)


def _body(body: Any) -> tuple[bytes | None, str | None]:
    if body is None:
        return None, None
    if isinstance(body, (bytes, bytearray)):
        return bytes(body), "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return frames.json_text(body).encode(), "application/json"


def _opened(
    source: str | os.PathLike[str] | bytes, name: str | None, manifest: Mapping[str, Any] | str | None
) -> tuple[bytes, Mapping[str, Any] | str]:
    """The component and its manifest; text stays text, so that the host can say where in it a mistake is."""
    if isinstance(source, bytes):
        if manifest is None and name is None:
            raise InvalidError("bytes have no name", hint="pass name=… or manifest=…")
        return source, _named(manifest if manifest is not None else {"name": name}, name)
    path = Path(source)
    if path.is_dir() or path.name == "function.toml":
        folder = path if path.is_dir() else path.parent
        text = manifest if manifest is not None else _read(folder / "function.toml").decode()
        read = _parsed(text, folder / "function.toml")
        built = folder / str(read.get("component") or f"{read.get('name')}.wasm")
        if not built.is_file():
            raise InvalidError(f"{built} is not there", place=str(folder), hint=f"fn build {folder}")
        return _read(built), _named(text, name)
    bare = {"name": path.stem.lower().replace("_", "-")}
    return _read(path), _named(manifest if manifest is not None else bare, name)


def _named(manifest: Mapping[str, Any] | str, name: str | None) -> Mapping[str, Any] | str:
    if name is None:
        return manifest
    return {**_parsed(manifest, Path("function.toml")), "name": name}


def _parsed(manifest: Mapping[str, Any] | str, place: Path) -> Mapping[str, Any]:
    if not isinstance(manifest, str):
        return manifest
    try:
        return tomllib.loads(manifest)
    except tomllib.TOMLDecodeError as error:
        mistake = mistake_of({"message": str(error)})
        raise InvalidError("the manifest is no TOML", place=str(place), mistakes=[mistake]) from None


def _name_of(manifest: Mapping[str, Any] | str) -> str:
    name = _parsed(manifest, Path("function.toml")).get("name")
    if not isinstance(name, str) or not name:
        raise InvalidError("the manifest has no name", place="function.toml", hint='write `name = "…"`')
    return name


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidError(f"could not read {path}: {error.strerror or error}", place=str(path)) from None
