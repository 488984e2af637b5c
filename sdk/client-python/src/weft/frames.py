"""pandas, where it is installed: nothing else here needs it."""

from __future__ import annotations

import io
import json
import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Sequence

from .errors import InvalidError

if TYPE_CHECKING:
    import pandas

PARQUET = b"PAR1"


def pandas_module() -> Any:
    """The module, or an error that says how to get it."""
    try:
        import pandas
    except ImportError:
        hint = "pip install 'weft[pandas]'"
        raise InvalidError("frames need pandas, which is not installed", code="no-pandas", hint=hint) from None
    return pandas


def is_frame(value: Any) -> bool:
    """Whether it is a frame, without importing pandas to find out."""
    return type(value).__name__ == "DataFrame" and hasattr(value, "to_csv")


def frame(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> pandas.DataFrame:
    """A frame with these columns first, even where there are no rows."""
    rows = list(rows)
    more = [key for key in dict.fromkeys(key for row in rows for key in row) if key not in columns]
    return pandas_module().DataFrame(rows, columns=[*columns, *more])


def csv_bytes(value: Any) -> bytes:
    """A frame as CSV, without its index; the same frame gives the same bytes."""
    return value.to_csv(index=False, lineterminator="\n").encode()


def read(data: bytes, name: str, media_type: str | None, **options: Any) -> pandas.DataFrame:
    """A frame from bytes that are CSV, Parquet or JSON, told by their media type, their name or themselves."""
    pandas = pandas_module()
    if data[:4] == PARQUET and data[-4:] == PARQUET:
        return pandas.read_parquet(io.BytesIO(data), **options)
    kind = f"{media_type or ''} {name}".lower()
    if "json" in kind and "csv" not in kind:
        is_lines = "jsonl" in kind or "ndjson" in kind
        return pandas.read_json(io.BytesIO(data), lines=is_lines, **options)
    if "tab-separated" in kind or kind.endswith(".tsv"):
        options.setdefault("sep", "\t")
    try:
        return pandas.read_csv(io.BytesIO(data), **options)
    except (UnicodeDecodeError, ValueError) as error:
        hint = "read it with .bytes()"
        raise InvalidError(f"could not read `{name}` ({media_type}) as a table: {error}", hint=hint) from error


def moment(text: str | None) -> datetime | None:
    """A time of the API."""
    return datetime.fromisoformat(text) if text else None


def number(value: Any) -> float:
    """A number of the API, where those that JSON lacks are words."""
    return float(value) if not isinstance(value, str) else float({"Infinity": "inf", "-Infinity": "-inf"}.get(value, value))


def told(value: float) -> float | str:
    """The same the other way round."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numpy's numbers and arrays, paths and times become plain ones."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return told(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)


def json_text(value: Any) -> str:
    """JSON that every reader takes."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)
