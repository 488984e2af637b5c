"""A failure as the contract has it."""

from .. import _host, failure

_types = _host.bindings("weft_function_types")


def record(it):
    """A failure as the contract has it."""
    return _types.Failure(_types.FailureKind[it.kind.upper()], it.code, it.message, failure.retry_after_ms(it))
