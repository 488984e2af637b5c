"""Payloads: bytes and text as they are, everything else as JSON, read as the type that the function names."""

import dataclasses
import datetime
import enum
import functools
import json
import types
import typing
from collections import abc

from .failure import Fatal, Invalid

_LISTS = (list, tuple, set, frozenset, abc.Sequence, abc.Iterable, abc.Collection)
_DATES = (datetime.datetime, datetime.date, datetime.time)


class Misfit(ValueError):
    """A value is not of the type it was read as; the text says where and what was expected."""


def decode(data, hint=typing.Any):
    """Reads a payload as that type. No payload reads as null."""
    if hint is bytes:
        return data
    if hint is str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise Invalid("bad-text", str(error)) from None
    return fitted(parsed(data), hint)


def parsed(data):
    """The JSON that a payload holds."""
    try:
        return json.loads(data.decode() or "null", parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Invalid("bad-json", str(error)) from None


def fitted(value, hint, code="bad-json"):
    """A value of JSON as that type; an invalid failure where it is not."""
    try:
        return fit(value, hint)
    except Misfit as error:
        raise Invalid(code, str(error)) from None


def encode(value):
    """Writes a value as `decode` reads it, with its media type; nothing at all where it is None."""
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value), "application/octet-stream"
    if isinstance(value, str):
        return _utf8(value), "text/plain; charset=utf-8"
    return written(value), "application/json"


def written(value, code="bad-output"):
    """A value as JSON; a fatal failure where it cannot be."""
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise Fatal(code, str(error)) from None
    return _utf8(text, code)


def _utf8(text, code="bad-output"):
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Fatal(code, str(error)) from None


def _no_number(text):
    raise ValueError(f"{text} is no number of JSON")


def _plain(value):
    """What JSON has no word for, in words it has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, _DATES):
        return value.isoformat()
    if isinstance(value, (set, frozenset, abc.Mapping)):
        return dict(value) if isinstance(value, abc.Mapping) else sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def fit(value, hint, path="it"):
    """A value of JSON as that type, all the way down."""
    if hint in (typing.Any, object, dataclasses.MISSING):
        return value
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return fit(value, arguments[0], path)
    if origin in (typing.Union, types.UnionType):
        return _one_of(value, arguments, path)
    if origin is typing.Literal:
        return _require(value, value in arguments, " or ".join(map(repr, arguments)), path)
    kind = origin or hint
    if kind in (None, types.NoneType):
        return _require(value, value is None, "null", path)
    if kind in _LISTS:
        return _list(value, kind, arguments, path)
    if kind in (dict, abc.Mapping, abc.MutableMapping):
        _require(value, isinstance(value, dict), "an object", path)
        item = arguments[1] if len(arguments) == 2 else typing.Any
        return {key: fit(element, item, f"{path}.{key}") for key, element in value.items()}
    return _plain_type(value, kind, path)


def _plain_type(value, kind, path):
    if kind is bool:
        return _require(value, isinstance(value, bool), "true or false", path)
    if kind is int:
        return _require(value, isinstance(value, int) and not isinstance(value, bool), "an integer", path)
    if kind is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return float(_require(value, number, "a number", path))
    if kind is str:
        return _require(value, isinstance(value, str), "text", path)
    if kind in _DATES:
        return _converted(value, kind.fromisoformat, f"a {kind.__name__} in ISO 8601", path)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _converted(value, kind, "one of " + ", ".join(repr(it.value) for it in kind), path)
    if dataclasses.is_dataclass(kind):
        return _dataclass(value, kind, path)
    if typing.is_typeddict(kind):
        return _typed_dict(value, kind, path)
    raise TypeError(f"{kind!r} cannot be read from JSON: use a dataclass, or a type of its fields")


def _one_of(value, hints, path):
    misfits = []
    for hint in hints:
        try:
            return fit(value, hint, path)
        except Misfit as error:
            misfits.append(error)
    # The first says most: None is usually named last.
    raise misfits[0]


def _list(value, kind, arguments, path):
    _require(value, isinstance(value, list), "a list", path)
    if kind is tuple and arguments and arguments[-1] is not Ellipsis:
        _require(value, len(value) == len(arguments), f"a list of {len(arguments)}", path)
        return tuple(fit(it, hint, f"{path}[{at}]") for at, (it, hint) in enumerate(zip(value, arguments, strict=True)))
    item = arguments[0] if arguments else typing.Any
    items = [fit(it, item, f"{path}[{at}]") for at, it in enumerate(value)]
    return kind(items) if kind in (tuple, set, frozenset) else items


def _dataclass(value, kind, path):
    _require(value, isinstance(value, dict), "an object", path)
    found = {}
    for field, hint in _fields(kind):
        if field.name in value:
            found[field.name] = fit(value[field.name], hint, f"{path}.{field.name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            # What may be null may be left out, too.
            found[field.name] = fit(None, hint, f"{path}.{field.name}")
    return kind(**found)


def _typed_dict(value, kind, path):
    _require(value, isinstance(value, dict), "an object", path)
    found = {}
    for name, hint in hints(kind).items():
        if name in value:
            found[name] = fit(value[name], hint, f"{path}.{name}")
        elif name in kind.__required_keys__:
            raise Misfit(f"{path}.{name} is missing")
    return found


@functools.cache
def _fields(kind):
    found = hints(kind)
    return [(field, found[field.name]) for field in dataclasses.fields(kind) if field.init]


@functools.cache
def hints(subject):
    """The types that a class or a function names, its forward references followed."""
    return typing.get_type_hints(subject)


def _converted(value, convert, expected, path):
    try:
        return convert(value)
    except (TypeError, ValueError):
        raise Misfit(f"{path} should be {expected}, not {_shown(value)}") from None


def _require(value, fits, expected, path):
    if not fits:
        raise Misfit(f"{path} should be {expected}, not {_shown(value)}")
    return value


def _shown(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:60] + "…"
