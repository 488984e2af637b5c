"""Keyed state: what a function remembers between calls, in the buckets that its manifest grants.

    totals = keyvalue.open("default")
    total = totals.update(customer, lambda seen: (seen or 0) + cents)

Values are read and written as JSON, unless they are bytes, which are kept as they are and asked for with `get(key, bytes)`.
An event may come again, after a crash or a retry: `increment` counts it again; a record that also holds what was counted
already, changed by `update`, does not.
"""

import typing

from . import _codec, _host
from .failure import Failure, Fatal, Transient

if _host.INSIDE:
    _store = _host.bindings("wasi_keyvalue_store")
    _atomics = _host.bindings("atomics")
    _batch = _host.bindings("batch")
else:
    from ._native import atomics as _atomics
    from ._native import batch as _batch
    from ._native import store as _store

#: How often `update` begins again because somebody else was at the key, before it gives up.
ATTEMPTS = 1_000


def open(name):
    """The bucket of that name, which the manifest grants: `keyvalue = ["default"]`."""
    if _atomics is None:
        raise _not_granted(name)
    return Bucket(name, _explained(name, lambda: _store.open(name)))


class Bucket:
    """Values by key."""

    def __init__(self, name, bucket):
        self.name = name
        self._bucket = bucket

    def get(self, key, hint=typing.Any):
        """The value of a key as that type; None where it has none."""
        data = self._ask(lambda: self._bucket.get(key))
        return None if data is None else _read(key, data, hint)

    def set(self, key, value):
        """Gives a key a value, whatever it had."""
        data = _written(key, value)
        self._ask(lambda: self._bucket.set(key, data))

    def delete(self, key):
        """Forgets a key."""
        self._ask(lambda: self._bucket.delete(key))

    def exists(self, key):
        """Whether a key has a value."""
        return self._ask(lambda: self._bucket.exists(key))

    def increment(self, key, by=1):
        """Adds to the number that a key has, atomically, and says the sum. A key without a value counts from 0."""
        return self._ask(lambda: _atomics.increment(self._bucket, key, by))

    def update(self, key, change, hint=typing.Any):
        """Changes the value of a key, atomically, and says what it is now.

        `change` is given the value, None where there is none, and asked again where somebody came between.
        """
        seen = self._ask(lambda: _atomics.Cas.new(self._bucket, key))
        for _ in range(ATTEMPTS):
            current = self._ask(seen.current)
            new = change(None if current is None else _read(key, current, hint))
            data = _written(key, new)
            if data == current:
                return new
            newer = self._swap(seen, data)
            if newer is None:
                return new
            seen = newer
        raise Transient("state-busy", f"others keep changing `{key}` of bucket `{self.name}`")

    def get_many(self, keys, hint=typing.Any):
        """The values of many keys, in their order; None for each that has none."""
        values = self._ask(lambda: _batch.get_many(self._bucket, list(keys)))
        return [None if data is None else _read(key, data, hint) for key, data in values]

    def set_many(self, values):
        """Gives many keys their values, a dictionary: all or none."""
        data = [(key, _written(key, value)) for key, value in values.items()]
        self._ask(lambda: _batch.set_many(self._bucket, data))

    def delete_many(self, keys):
        """Forgets many keys: all or none."""
        self._ask(lambda: _batch.delete_many(self._bucket, list(keys)))

    def keys(self):
        """Every key, in order, read page by page."""
        cursor = None
        while True:
            page = self._ask(lambda at=cursor: self._bucket.list_keys(at))
            yield from page.keys
            cursor = page.cursor
            if cursor is None:
                return

    def _swap(self, seen, data):
        """Nothing where it is swapped; what was seen in its place where somebody came between."""
        try:
            _atomics.swap(seen, data)
        except Exception as error:
            value = getattr(error, "value", None)
            if _host.variant(value) == "CasFailed":
                return value.value
            raise _failure(self.name, getattr(value, "value", value), error) from None
        return None

    def _ask(self, ask):
        return _explained(self.name, ask)


def _explained(bucket, ask):
    try:
        return ask()
    except Failure:
        raise
    except Exception as error:
        raise _failure(bucket, getattr(error, "value", None), error) from None


def _failure(bucket, value, error):
    match _host.variant(value):
        case "NoSuchStore" | "AccessDenied":
            return _not_granted(bucket)
        case "Other":
            return Transient("state-failed", _host.reason(value))
    return error


def _not_granted(bucket):
    return Fatal("state-not-granted", f"bucket `{bucket}` is not granted: add it to `keyvalue` under [grants]")


def _read(key, data, hint):
    if hint is bytes:
        return data
    try:
        return _codec.fitted(_codec.parsed(data), hint)
    except Failure as failure:
        raise Fatal("bad-state", f"the value of `{key}` cannot be read: {failure.message}") from None


def _written(key, value):
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    try:
        return _codec.written(value)
    except Failure as failure:
        raise Fatal("bad-state", f"the value of `{key}` cannot be written: {failure.message}") from None
