"""What can go wrong, as exceptions that say what happened, where, and what to do next."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Mapping


@dataclass(frozen=True)
class Mistake:
    """One mistake in a pipeline or its parameters, with its place in the text."""

    message: str
    path: str = ""
    line: int = 0
    column: int = 0
    suggestion: str | None = None

    def __str__(self) -> str:
        place = f"{self.line}:{self.column} {self.path}".strip() if self.line else self.path
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{place}: {self.message}{hint}" if place else f"{self.message}{hint}"


class WeftError(Exception):
    """Anything that this package could not do.

    ``title`` is the kind for people and ``code`` for programs, ``detail`` what happened this time, ``hint`` what to do
    about it, ``place`` where it is in what was sent, ``mistakes`` every mistake of a pipeline.
    """

    def __init__(
        self,
        detail: str,
        *,
        title: str = "",
        code: str = "",
        status: int | None = None,
        hint: str | None = None,
        place: str | None = None,
        call: str | None = None,
        mistakes: list[Mistake] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.title = title
        self.code = code
        self.status = status
        self.hint = hint
        self.place = place
        self.call = call
        self.mistakes = mistakes or []

    def __str__(self) -> str:
        lines = [self.detail or self.title]
        lines += [f"  {mistake}" for mistake in self.mistakes]
        lines += [f"  at {self.place}"] if self.place else []
        lines += [f"hint: {self.hint}"] if self.hint else []
        return "\n".join(lines)


class InvalidError(WeftError):
    """What was sent, or given to this package, is wrong; sending it again cannot help."""


class NotFoundError(WeftError):
    """What was named does not exist on the host."""


class DeniedError(WeftError):
    """The host wants a token, or one that may do more."""


class ConflictError(WeftError):
    """The state of things forbids it, such as a route that another function holds."""


class BusyError(WeftError):
    """The host is overloaded, shutting down or out of time; it may work later."""


class UnreachableError(WeftError):
    """No host answered."""


class CallError(WeftError):
    """A function failed. ``kind`` is ``invalid``, ``transient`` or ``fatal``."""

    def __init__(self, detail: str, *, kind: str = "", **more: Any) -> None:
        super().__init__(detail, **more)
        self.kind = kind


class RunError(WeftError):
    """A run failed or was cancelled; ``run`` is its record."""

    def __init__(self, detail: str, *, run: Any = None, **more: Any) -> None:
        super().__init__(detail, **more)
        self.run = run


class DamagedError(WeftError):
    """Bytes are not those that their digest promises."""


def of_response(status: int, body: bytes, reason: str = "") -> WeftError:
    """The error that an answer of the host stands for: a problem document, or whatever else it sent."""
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        text = body[:2_000].decode("utf-8", "replace").strip()
        return _kind(status)(f"the host answered {status} {reason}: {text}".strip(), status=status, title=reason)
    # The Open Inference Protocol has a form of its own.
    detail = problem.get("detail") or problem.get("error") or problem.get("title") or ""
    return _kind(status)(
        str(detail),
        title=str(problem.get("title") or reason),
        code=str(problem.get("code") or ""),
        status=status,
        hint=problem.get("hint"),
        place=problem.get("place"),
        call=problem.get("call"),
        mistakes=[mistake_of(it) for it in problem.get("mistakes") or []],
    )


def mistake_of(raw: Mapping[str, Any]) -> Mistake:
    """A mistake from its JSON."""
    return Mistake(
        message=str(raw.get("message", "")),
        path=str(raw.get("path", "")),
        line=int(raw.get("line") or 0),
        column=int(raw.get("column") or 0),
        suggestion=raw.get("suggestion"),
    )


def _kind(status: int) -> type[WeftError]:
    if status in (401, 403):
        return DeniedError
    if status == 404:
        return NotFoundError
    if status == 409:
        return ConflictError
    if status in (429, 502, 503, 504):
        return BusyError
    return InvalidError if 400 <= status < 500 else WeftError
