"""Why there is no answer, and what the host should do about it."""


class Failure(Exception):
    """Why there is no answer. Raise one of its kinds: `Invalid`, `Transient` or `Fatal`.

    `code` is a stable word for programs, such as `bad-date`; `message` a sentence for people.
    """

    kind = "fatal"
    retry_after = None

    def __init__(self, code, message=""):
        super().__init__(f"{code}: {message}" if message else code)
        self.code = str(code)
        self.message = str(message)


class Invalid(Failure):
    """The event or the params are at fault: never retried, 422 over HTTP."""

    kind = "invalid"


class Transient(Failure):
    """The world is at fault: tried again, 503 over HTTP. `retry_after` is how many seconds to wait before that."""

    kind = "transient"

    def __init__(self, code, message="", *, retry_after=None):
        super().__init__(code, message)
        self.retry_after = None if retry_after is None else max(0.0, float(retry_after))


class Fatal(Failure):
    """The function is at fault: not retried, 500 over HTTP."""

    kind = "fatal"


def of(error):
    """The failure that an exception comes to: itself, or a fatal one with the code `error`."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, SystemExit):
        return Fatal("exit", f"it asked to exit with {error.code}")
    text = str(error)
    name = type(error).__name__
    return Fatal("error", f"{name}: {text}" if text else name)


def retry_after_ms(failure):
    """How long the host should wait, in whole milliseconds that fit the contract."""
    if failure.retry_after is None:
        return None
    return min(round(failure.retry_after * 1000), 2**32 - 1)
