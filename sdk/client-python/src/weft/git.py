"""What a run is known by: its identity, and the commit of the code around it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

_PATIENCE_S = 5.0


def identity() -> str:
    """A UUID of version 7: later ones sort after earlier ones."""
    millis = time.time_ns() // 1_000_000
    rest = int.from_bytes(os.urandom(10), "big")
    high, low = (rest >> 64) & 0xFFF, rest & ((1 << 62) - 1)
    return str(uuid.UUID(int=(millis << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low))


def main_file() -> Path | None:
    """The file of the program that runs; none in a notebook or a prompt."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    path = Path(file) if file else None
    return path if path is not None and path.is_file() else None


def code(file: Path | None = None) -> dict[str, Any]:
    """The commit of the work tree around ``file``, or around the folder this runs in, as the API wants it."""
    folder = file.parent if file else Path.cwd()
    commit = _git(folder, "rev-parse", "HEAD")
    said: dict[str, Any] = {"dirty": bool(commit and _git(folder, "status", "--porcelain"))}
    if commit:
        said["commit"] = commit
    if file:
        said["file"] = _relative(file, folder)
    return said


def _relative(file: Path, folder: Path) -> str:
    root = _git(folder, "rev-parse", "--show-toplevel")
    try:
        return file.resolve().relative_to(Path(root).resolve()).as_posix() if root else file.name
    except ValueError:
        return file.name


def _git(folder: Path, *args: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *args], cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
