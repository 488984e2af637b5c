"""Which host to talk to: what was said, else the environment, else the context that ``fn`` uses."""

from __future__ import annotations

import os
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping

from .errors import InvalidError

AT_HOME = "http://127.0.0.1:7070"
"""The host of whoever has named none."""


@dataclass(frozen=True)
class Connection:
    """A host, and as whom to talk to it about which project."""

    host: str
    project: str = "default"
    token: str | None = field(default=None, repr=False)
    ca: str | None = None


def resolve(
    url: str | None = None,
    token: str | None = None,
    project: str | None = None,
    ca: str | os.PathLike[str] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Connection:
    """What an argument says, else the environment, else the context in use, else the host of this machine.

    ``url`` is an address, or the name of a context. A token of a context goes to the host of that context alone.
    """
    env = os.environ if environment is None else environment
    # Empty is how an environment says nothing.
    said = {name: env.get(name) or None for name in ("WEFT_HOST", "WEFT_TOKEN", "WEFT_PROJECT", "WEFT_CA")}
    context = _chosen(_load(env), url or said["WEFT_HOST"])
    return Connection(
        host=str(context["host"]).rstrip("/"),
        project=project or said["WEFT_PROJECT"] or context.get("project") or "default",
        token=token or said["WEFT_TOKEN"] or context.get("token"),
        ca=os.fspath(ca) if ca else said["WEFT_CA"] or context.get("ca"),
    )


def _file(env: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(env.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "weft" / "contexts.toml"
    folder = env.get("XDG_CONFIG_HOME") or Path(env.get("HOME") or Path.home()) / ".config"
    return Path(folder) / "weft" / "contexts.toml"


def _load(env: Mapping[str, str]) -> dict[str, Any]:
    file = _file(env)
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        # The parser's own text may repeat the line, which may hold a token.
        kind = type(error).__name__
        hint = "correct the file, or delete it and log in again with `fn login URL`"
        raise InvalidError(f"could not read your contexts ({kind})", place=str(file), hint=hint) from None


def _chosen(contexts: Mapping[str, Any], host: str | None) -> Mapping[str, Any]:
    known: Mapping[str, Any] = contexts.get("contexts") or {}
    if host and "://" in host:
        same = (it for it in known.values() if str(it.get("host", "")).rstrip("/") == host.rstrip("/"))
        return next(same, {"host": host})
    name = host or contexts.get("current")
    if not name:
        return {"host": AT_HOME}
    if name in known:
        return known[name]
    there = f"there are {', '.join(sorted(known))}" if known else "there is none yet"
    hint = "fn login URL --name NAME, or name a host by its address, such as http://127.0.0.1:7070"
    raise InvalidError(f"there is no context `{name}`; {there}", hint=hint)
