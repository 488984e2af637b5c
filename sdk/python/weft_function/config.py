"""Configuration and secrets, as far as the manifest grants them: `[grants] config = { … }` and `secret = ["…"]`.

Read a secret when it is needed rather than once: whoever rotates it expects the next call to see the new value.
"""

import typing

from . import _host
from .failure import Fatal

_store = _host.bindings("wasi_config_store")

T = typing.TypeVar("T")

#: What functions are given natively, for tests.
native: dict[str, str] = {}


def get(name):
    """The value of that name; None where the manifest grants none."""
    if _store is None:
        return native.get(name)
    try:
        return _store.get(name)
    except Exception as error:
        raise _unavailable(error) from None


def require(name):
    """The value of that name, which has to be granted."""
    value = get(name)
    if value is None:
        raise Fatal("config-not-granted", f"`{name}` is not granted: add it to `secret` or `config` under [grants]")
    return value


def parse(name, convert: typing.Callable[[str], T]) -> T:
    """The value of that name, converted: `parse("retries", int)`."""
    text = require(name)
    try:
        return convert(text.strip())
    except (TypeError, ValueError):
        # The value may be a secret, so the error does not repeat it.
        raise Fatal("bad-config", f"`{name}` is no {getattr(convert, '__name__', 'such value')}") from None


def everything():
    """Every value the manifest grants."""
    if _store is None:
        return dict(native)
    try:
        return dict(_store.get_all())
    except Exception as error:
        raise _unavailable(error) from None


def _unavailable(error):
    return Fatal("config-unavailable", _host.reason(getattr(error, "value", None)) or str(error))
