"""A run at a glance: as text for prompts and logs, as HTML for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .runs import Run, Step

_MOST_RESULTS = 4
_LONGEST = 80


def text(run: Run) -> str:
    """Its line, a table of its steps, and what they made."""
    lines = [_head(run), "", *_table(_STEPS, [_step(it) for it in _whole(run)])]
    made = [[name, it.kind, f"{it.size} bytes", it.digest] for name, it in run.artifacts.items()]
    if made:
        lines += ["", *_table(_MADE, made)]
    return "\n".join(lines)


def html(run: Run) -> str:
    """The same as HTML. What functions say of themselves is text in it, never markup."""
    steps = [[escape(it) for it in _step(step)] for step in _whole(run)]
    made = []
    for name, it in run.artifacts.items():
        link = f'<a href="{escape(it.url)}">{escape(it.digest[7:19])}</a>'
        made.append([escape(name), escape(it.kind), f"{it.size} bytes", link])
    failure = f"<p>{escape(run.failure.message)}</p>" if run.failure else ""
    tables = [_rows(_STEPS, steps), _rows(_MADE, made) if made else ""]
    return f"<p><b>{escape(_head(run))}</b></p>{failure}{''.join(tables)}"


_STEPS = ("step", "state", "took", "results")
_MADE = ("artifact", "kind", "size", "digest")


def _whole(run: Run) -> list[Step]:
    return [it for it in run.steps if it.trial is None]


def _head(run: Run) -> str:
    took = run.duration
    lasted = f" after {took.total_seconds():.3g} s" if took is not None else ""
    return f"run {run.id} · {run.name} · {run.state}{lasted}"


def _step(step: Step) -> list[str]:
    took = "cached" if step.is_cached else "-" if step.took_s is None else f"{step.took_s:.3g} s"
    said = step.failure.message if step.failure else " ".join(_short(step.results))
    return [step.name, step.state, took, said[:_LONGEST]]


def _short(results: dict[str, Any]) -> list[str]:
    """Those that are numbers or words."""
    short = []
    for name, value in results.items():
        if isinstance(value, float):
            short.append(f"{name}={value:.4g}")
        elif isinstance(value, (bool, int)) or (isinstance(value, str) and len(value) <= 24):
            short.append(f"{name}={value}")
    return short[:_MOST_RESULTS]


def _table(columns: Sequence[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(it) for it in column) for column in zip(columns, *rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [columns, *rows])
    return [it.rstrip() for it in lines]


def _rows(columns: Sequence[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{it}</th>" for it in columns)
    body = "".join(f"<tr>{''.join(f'<td>{it}</td>' for it in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
