"""Runs that are tracked without a host: written to a folder as they go on, and sent later.

A run is a folder named after its id: ``run.json`` (what the API takes), ``metrics.jsonl`` (a value per line),
``files/<hex>`` (bytes by their SHA-256) and ``lock``, which the process holds for as long as it lives.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import sys
import threading
import traceback
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from . import frames, git
from .artifacts import Artifact, described
from .errors import InvalidError

FOLDER = Path(".weft") / "runs"
"""Where runs are tracked, seen from the folder the program runs in."""

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_MOST_PACKAGES = 5_000
_LONGEST_NAME = 200
_LONGEST_MESSAGE = 10_000
_LONGEST_TRACE = 100_000


class TrackedRun:
    """A run that this program tells of. Use it as a context: it ends with the block, well or badly.

    Methods may be called from several threads.
    """

    def __init__(
        self,
        name: str,
        *,
        params: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        seed: int = 0,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        if not _NAME.fullmatch(name):
            hint = "use up to 63 of a-z, 0-9 and -, beginning with a letter"
            raise InvalidError(f"`{name}` is not the name of a run", hint=hint)
        self.id = git.identity()
        self.name = name
        self.folder = Path(folder if folder is not None else FOLDER).absolute() / self.id
        self._own = threading.RLock()
        self._lock: IO[bytes] | None = None
        self._metrics: IO[str] | None = None
        self._record: dict[str, Any] = {
            "id": self.id,
            "name": name,
            "state": "running",
            "params": {},
            "inputs": [],
            "outputs": [],
            "results": {},
            "labels": {_checked(key): _checked(value) for key, value in (labels or {}).items()},
            "seed": seed,
        }
        self._first = dict(params or {})

    def start(self) -> TrackedRun:
        """Begins the run, where no block can: in a notebook whose cells are parts of it. :meth:`finish` ends it."""
        if "started_at" in self._record:
            raise InvalidError(f"run {self.name} has begun before", hint="weft.run(…) makes another")
        file = git.main_file()
        self._record |= {"code": git.code(file), "program": _program(file)}
        self._record["started_at"] = _now()
        (self.folder / "files").mkdir(parents=True)
        self._lock = _held(self.folder / "lock")
        self._metrics = (self.folder / "metrics.jsonl").open("a", encoding="utf-8")
        self.params(self._first)
        return self

    def finish(self, error: BaseException | None = None) -> None:
        """Ends the run: well, or with what made it fail."""
        with self._own:
            self._going_on()
            self._record["state"], failure = _ending(error)
            if failure:
                self._record["failure"] = failure
            self._write()
            for open_file in (self._metrics, self._lock):
                if open_file is not None:
                    open_file.close()
            self._metrics = self._lock = None

    def __enter__(self) -> TrackedRun:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # It may have been finished within the block.
        if self._metrics is not None:
            self.finish(error)

    @property
    def state(self) -> str:
        """``running``, ``done``, ``failed`` or ``cancelled``."""
        return self._record["state"]

    def param(self, name: str, value: Any) -> None:
        """Notes a parameter."""
        self.params({name: value})

    def params(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Notes several parameters."""
        self._note("params", {**(values or {}), **more})

    def result(self, name: str, value: Any) -> None:
        """Notes a result: a number, a text, or anything else that JSON can hold."""
        self.results({name: value})

    def results(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Notes several results."""
        self._note("results", {**(values or {}), **more})

    def metric(self, name: str, value: float, step: int | None = None) -> None:
        """Notes a value of a metric, now; its last value is also a result."""
        self.metrics({name: value}, step=step)

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Notes values of several metrics at once."""
        at = _now()
        lines = []
        for name, value in values.items():
            point: dict[str, Any] = {"name": _checked(name), "value": frames.told(float(value)), "at": at}
            if step is not None:
                point["at_step"] = int(step)
            lines.append(json.dumps(point, ensure_ascii=False) + "\n")
        with self._own:
            self._going_on()
            assert self._metrics is not None
            self._metrics.writelines(lines)
            # The lines of a program that is killed are there; those of a machine that is, may not be.
            self._metrics.flush()
            # Written to run.json with whatever comes next.
            self._record["results"] |= {name: frames.told(float(value)) for name, value in values.items()}

    def input(self, source: Any, name: str | None = None, *, kind: str | None = None, keep: bool = False) -> str:
        """Notes data that the program reads, by its digest, which is given back.

        A path, bytes, a text, a frame, or an artifact of a host. With ``keep`` the bytes are kept and sent, too.
        """
        if isinstance(source, Artifact):
            said: dict[str, Any] = {"name": _checked(name or source.name), "digest": source.digest, "kind": kind or source.kind}
            said |= {"media_type": source.media_type, "from": f"artifact {source.digest}"}
            self._add("inputs", said)
            return source.digest
        came_from = os.fspath(source) if isinstance(source, (str, os.PathLike)) else type(source).__name__
        if isinstance(source, str):
            source = Path(source)
        if isinstance(source, os.PathLike) and not keep:
            # Data may be larger than memory.
            path = Path(source)
            digest = _digest_of_file(path)
            name, _, kind, media_type = described(b"", name or path.name, kind, None)
        else:
            name, data, kind, media_type = described(source, name, kind, None)
            digest = self._store(data) if keep else f"sha256:{hashlib.sha256(data).hexdigest()}"
        said = {"name": _checked(name), "digest": digest, "kind": kind, "media_type": media_type, "from": came_from}
        self._add("inputs", said)
        return digest

    def artifact(
        self,
        name: str,
        content: Any,
        *,
        kind: str | None = None,
        media_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        """Keeps something that the program made, and gives back its digest.

        ``content`` is a path, bytes, a text, a frame (kept as CSV), a dict or list (as JSON), or a figure of matplotlib
        (as SVG). The same name again replaces what it had.
        """
        said: dict[str, Any] = dict(metadata or {})
        if frames.is_frame(content):
            said = {"rows": len(content), "columns": [str(it) for it in content.columns]} | said
        elif hasattr(content, "savefig"):
            drawn = io.BytesIO()
            content.savefig(drawn, format="svg")
            content, kind, media_type = drawn.getvalue(), kind or "plot", media_type or "image/svg+xml"
        name, data, kind, media_type = described(content, _checked(name), kind, media_type)
        digest = self._store(data)
        output = {"name": name, "digest": digest, "kind": kind, "media_type": media_type, "metadata": frames.plain(said)}
        self._add("outputs", output)
        return digest

    def _store(self, data: bytes) -> str:
        hex_digest = hashlib.sha256(data).hexdigest()
        target = self.folder / "files" / hex_digest
        if not target.exists():
            draft = target.with_name(f"{hex_digest}.{threading.get_ident()}")
            draft.write_bytes(data)
            draft.replace(target)
        return f"sha256:{hex_digest}"

    def _note(self, what: str, values: Mapping[str, Any]) -> None:
        with self._own:
            self._going_on()
            self._record[what] |= {_checked(name): frames.plain(value) for name, value in values.items()}
            self._write()

    def _add(self, what: str, item: dict[str, Any]) -> None:
        with self._own:
            self._going_on()
            others = [it for it in self._record[what] if it["name"] != item["name"]]
            self._record[what] = [*others, item]
            self._write()

    def _going_on(self) -> None:
        if self._metrics is None:
            how = "has not begun" if "started_at" not in self._record else "is over"
            raise InvalidError(f"run {self.name} {how}", hint="with weft.run(…) as run:")

    def _write(self) -> None:
        """In one step, so that whoever reads it finds all of it."""
        self._record["finished_at"] = _now()
        draft = self.folder / ".run.json"
        draft.write_text(frames.json_text(self._record), encoding="utf-8")
        draft.replace(self.folder / "run.json")

    def __repr__(self) -> str:
        return f"<TrackedRun {self.id} {self.name} {self.state}>"


def run(
    name: str,
    *,
    params: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    seed: int = 0,
    folder: str | os.PathLike[str] | None = None,
) -> TrackedRun:
    """Tracks what a program does, without a host: ``with weft.run("train", params={…}) as run:``.

    What is kept: params, inputs by digest, metrics, results and artifacts as they are told; the commit, whether the work
    tree differs from it, the digest of the program's file, Python and its packages, how long it took, and what made it
    fail. ``fn runs push`` or :meth:`weft.Client.push` sends it to a host.
    """
    return TrackedRun(name, params=params, labels=labels, seed=seed, folder=folder)


def _ending(error: BaseException | None) -> tuple[str, dict[str, str] | None]:
    if error is None or (isinstance(error, SystemExit) and error.code in (None, 0)):
        return "done", None
    kind = type(error)
    told = "".join(traceback.format_exception(error))
    failure = {
        "code": kind.__name__[:_LONGEST_NAME],
        "message": (str(error) or kind.__name__)[:_LONGEST_MESSAGE],
        # The end says where it happened.
        "backtrace": told[-_LONGEST_TRACE:],
    }
    return ("cancelled" if issubclass(kind, KeyboardInterrupt) else "failed"), failure


def _program(file: Path | None) -> dict[str, Any]:
    packages: dict[str, str] = {}
    for it in metadata.distributions():
        with suppress(Exception):  # A damaged package must not keep a program from running.
            packages.setdefault(it.metadata["Name"], it.version)
    program: dict[str, Any] = {
        "runtime": f"{platform.python_implementation()} {platform.python_version()}",
        "arch": platform.machine(),
        "packages": dict(sorted(packages.items())[:_MOST_PACKAGES]),
    }
    if file is not None:
        program["digest"] = _digest_of_file(file)
    return program


def _digest_of_file(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"
    except OSError as error:
        raise InvalidError(f"could not read {path}: {error.strerror or error}") from None


def _held(path: Path) -> IO[bytes]:
    opened = path.open("wb")
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(opened, fcntl.LOCK_EX)
    return opened


def _checked(name: Any) -> str:
    name = str(name)
    if not 0 < len(name.encode()) <= _LONGEST_NAME or any(ord(it) < 32 or ord(it) == 127 for it in name):
        raise InvalidError(f"{name[:40]!r} is no name", hint=f"use 1 to {_LONGEST_NAME} characters on one line")
    return name


def _now() -> str:
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
