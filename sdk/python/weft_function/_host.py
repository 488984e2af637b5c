"""What the host offers, as far as the function was built with it."""

import importlib
import sys

#: Whether this is a component; outside, as in a unit test, there is no host.
INSIDE = sys.platform == "wasi"


def bindings(name):
    """The host's interface of that name; None where the function was built without it, or there is no host."""
    if not INSIDE:
        return None
    try:
        return importlib.import_module(f"wit_world.imports.{name}")
    except ModuleNotFoundError:
        return None


def reason(error):
    """The text that a variant of an error carries; nothing where it carries none."""
    value = getattr(error, "value", None)
    return value if isinstance(value, str) else ""


def variant(error):
    """What a variant of an error is called, such as `NotGranted`."""
    return type(error).__name__.rpartition("_")[2]
