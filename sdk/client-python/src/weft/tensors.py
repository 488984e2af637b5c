"""Tensors of the Open Inference Protocol, to and from numpy, pandas and plain lists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .errors import InvalidError
from .frames import is_frame

_NUMPY = {
    "BOOL": "bool",
    "UINT8": "uint8",
    "UINT16": "uint16",
    "UINT32": "uint32",
    "UINT64": "uint64",
    "INT8": "int8",
    "INT16": "int16",
    "INT32": "int32",
    "INT64": "int64",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": "object",
}


@dataclass(frozen=True)
class Spec:
    """One input or output of a model; -1 in the shape is any extent."""

    name: str
    datatype: str
    shape: tuple[int, ...]


def specs(raw: Sequence[Mapping[str, Any]]) -> tuple[Spec, ...]:
    """From their JSON."""
    return tuple(Spec(it["name"], it["datatype"], tuple(it["shape"])) for it in raw)


def encoded(inputs: Any, wanted: Sequence[Spec]) -> list[dict[str, Any]]:
    """The tensors of a request."""
    given = _by_name(inputs, wanted)
    unknown = [name for name in given if name not in {it.name for it in wanted}]
    if unknown:
        names = ", ".join(f"`{it.name}`" for it in wanted)
        raise InvalidError(f"the model has no input `{unknown[0]}`", hint=f"its inputs are {names}")
    return [_tensor(it, given[it.name]) for it in wanted if it.name in given]


def _by_name(inputs: Any, wanted: Sequence[Spec]) -> dict[str, Any]:
    if is_frame(inputs):
        # One column for each input, as exporters of whole pipelines have it.
        if len(wanted) > 1 and {it.name for it in wanted} <= set(inputs.columns):
            return {it.name: inputs[[it.name]].to_numpy() for it in wanted}
        inputs = inputs.to_numpy()
    if isinstance(inputs, Mapping):
        return {name: it.to_numpy() if hasattr(it, "to_numpy") else it for name, it in inputs.items()}
    if len(wanted) != 1:
        names = ", ".join(f"`{it.name}`" for it in wanted)
        raise InvalidError(f"the model has {len(wanted)} inputs", hint=f"give a dict with {names}")
    return {wanted[0].name: inputs}


def _tensor(spec: Spec, value: Any) -> dict[str, Any]:
    value = value.tolist() if hasattr(value, "tolist") else value
    shape = _shape(value)
    flat: list[Any] = []
    _flatten(value, shape, flat, spec)
    # A single row is a batch of one.
    if len(shape) + 1 == len(spec.shape):
        shape = [1, *shape]
    return {"name": spec.name, "datatype": spec.datatype, "shape": shape, "data": [_element(it, spec) for it in flat]}


def _shape(value: Any) -> list[int]:
    shape = []
    while isinstance(value, (list, tuple)):
        shape.append(len(value))
        if not value:
            break
        value = value[0]
    return shape


def _flatten(value: Any, shape: list[int], into: list[Any], spec: Spec) -> None:
    if not shape:
        if isinstance(value, (list, tuple)):
            raise InvalidError(f"the rows of input `{spec.name}` are not equally long")
        into.append(value)
        return
    if not isinstance(value, (list, tuple)) or len(value) != shape[0]:
        raise InvalidError(f"the rows of input `{spec.name}` are not equally long")
    for item in value:
        _flatten(item, shape[1:], into, spec)


def _element(value: Any, spec: Spec) -> Any:
    kind = spec.datatype
    try:
        if kind == "BYTES":
            return value.decode() if isinstance(value, bytes) else str(value)
        if kind == "BOOL":
            return bool(value)
        if kind.startswith("FP"):
            number = math.nan if value is None else float(value)
            return None if math.isnan(number) else _finite(number)
        number = int(value)
        if number != value:
            raise ValueError
        return number
    except (TypeError, ValueError, OverflowError):
        raise InvalidError(f"input `{spec.name}` takes {kind}, which {value!r} is not") from None


def _finite(number: float) -> float:
    if math.isinf(number):
        raise ValueError
    return number


def decoded(raw: Mapping[str, Any]) -> Any:
    """A tensor of an answer: a numpy array, or nested lists where numpy is not installed. What is missing is NaN."""
    is_float = raw["datatype"].startswith("FP")
    flat = [math.nan if it is None and is_float else it for it in _flat(raw["data"])]
    try:
        import numpy
    except ImportError:
        return _nested(flat, list(raw["shape"]))
    return numpy.array(flat, dtype=_NUMPY.get(raw["datatype"], "object")).reshape(raw["shape"])


def _flat(value: Any) -> list[Any]:
    if isinstance(value, list) and value and isinstance(value[0], list):
        return [item for row in value for item in _flat(row)]
    return value if isinstance(value, list) else [value]


def _nested(flat: list[Any], shape: list[int]) -> Any:
    if len(shape) <= 1:
        return flat
    size = len(flat) // shape[0] if shape[0] else 0
    return [_nested(flat[at * size : (at + 1) * size], shape[1:]) for at in range(shape[0])]
