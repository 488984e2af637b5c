"""The functions that a module offers: what `@handler`, `@http` and `@job` make of them."""

import inspect
import typing

from . import _codec, failure, run, web
from .events import Event, Outputs, outputs

#: The functions that were offered, by the entry they are for.
offered: dict[str, "Entry"] = {}


class Mistake(TypeError):
    """A function that cannot be an entry as it stands; the text says why, and where it is."""


class Entry:
    """A function offered to the host; it can be called as before, by tests."""

    entry = ""

    def __init__(self, function):
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise mistake(function, "must not be async: calls run one at a time in an instance")
        if self.entry in offered:
            raise mistake(function, f"is a second @{self.entry}: a function has one")
        self.function = function
        self.parameters = list(inspect.signature(function).parameters.values())
        self.__doc__, self.__name__ = function.__doc__, function.__name__
        self.__wrapped__ = function
        offered[self.entry] = self

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)

    def hints(self):
        """The types that the function names."""
        return _codec.hints(self.function)

    def only_parameter(self, kinds):
        """Its one parameter."""
        if len(self.parameters) != 1:
            raise mistake(self.function, f"must take one parameter: {kinds}")
        return self.parameters[0].name


class Handler(Entry):
    """A function that is given events."""

    entry = "handler"

    def prepare(self):
        """Finds out what the function is given: an event, a list of them, or only the payload."""
        name = self.only_parameter("an Event, a list of them, or the payload")
        hint = self.hints().get(name, Event)
        self.is_batch = typing.get_origin(hint) is list and _is_event(typing.get_args(hint)[0])
        if self.is_batch:
            hint = typing.get_args(hint)[0]
        self.takes_event = _is_event(hint)
        self.payload = (typing.get_args(hint) or (typing.Any,))[0] if self.takes_event else hint

    def answer(self, events):
        """The answers to a batch: for each event a list of outputs, or the failure."""
        read = [attempted(lambda at=at, it=it: Event.read(at, it, self.payload)) for at, it in enumerate(events)]
        if not self.is_batch:
            return [it if isinstance(it, failure.Failure) else attempted(lambda it=it: self.one(it)) for it in read]
        return self.all(read)

    def one(self, event):
        """The outputs for one event."""
        return collected(self.function(event if self.takes_event else event.data))

    def all(self, read):
        """The answers of a function that takes a batch as a whole; events that could not be read fail alone."""
        whole = [it for it in read if not isinstance(it, failure.Failure)]
        answers = list(self.function(whole))
        if len(answers) != len(whole):
            raise failure.Fatal("wrong-count", f"the handler gave {len(answers)} answers to {len(whole)} events")
        rest = iter(answers)
        return [it if isinstance(it, failure.Failure) else settled(next(rest)) for it in read]


class Server(Entry):
    """A function that answers requests."""

    entry = "http"

    def prepare(self):
        """Sees that the function takes a request."""
        self.only_parameter("a Request")

    def answer(self, request):
        """The response; a failure as problem+json."""
        try:
            return web.response(self.function(request)).written()
        except (Exception, SystemExit) as error:
            told(error)
            return web.problem(error).written()


class Job(Entry):
    """A function that runs to its end."""

    entry = "job"

    def prepare(self):
        """Finds out which parameter is the run, which one all params, and which ones are params by name."""
        hints = self.hints()
        named = {it.name: hints.get(it.name, typing.Any) for it in self.parameters}
        self.run = next((name for name, hint in named.items() if hint is run.Run or _is_run(name, hint)), None)
        named.pop(self.run, None)
        self.whole = next((name for name, hint in named.items() if _is_whole(name, hint)), None)
        if self.whole and len(named) > 1:
            raise mistake(self.function, f"takes `{self.whole}` for all params, and others by their names: choose one")
        self.named = {} if self.whole else named
        empty = inspect.Parameter.empty
        self.defaults = {it.name for it in self.parameters if it.default is not empty}

    def work(self, the_run):
        """Runs the job; what it returns, a dictionary, becomes results."""
        arguments = {self.run: the_run} if self.run else {}
        if self.whole:
            arguments[self.whole] = run.typed(the_run.params, self.hints().get(self.whole, typing.Any))
        elif self.named:
            arguments |= run.by_name(the_run.params, self.named, self.defaults)
        for name, value in (self.function(**arguments) or {}).items():
            the_run.result(name, value)


def handler(function):
    """Offers a function that is given events: `def f(event: Event[Order])`, `def f(order: Order)` or, for batches as a
    whole, `def f(events: list[Event[Order]])`, which returns an answer for each."""
    return Handler(function)


def http(function):
    """Offers a function that answers requests: `def f(request: Request)`."""
    return Server(function)


def job(function):
    """Offers a function that runs to its end: `def f(run: Run, depth: int = 3)`, or `def f(params: Params, run: Run)`."""
    return Job(function)


def ready(entry):
    """The function that a module offers for an entry, ready to be called."""
    found = offered.get(entry)
    if found is None:
        raise Mistake(f"no function is marked with @{entry}")
    found.prepare()
    return found


def attempted(work):
    """What work comes to, or the failure that came of it."""
    try:
        return work()
    except (Exception, SystemExit) as error:
        told(error)
        return failure.of(error)


def settled(answer):
    """One answer of a batch: outputs, or the failure that was returned in its place."""
    return failure.of(answer) if isinstance(answer, Exception) else attempted(lambda: collected(answer))


def collected(answer):
    """The outputs of an answer; what a generator yields is as many."""
    if inspect.isgenerator(answer):
        return Outputs(output for each in answer for output in outputs(each))
    return outputs(answer)


def told(error):
    """Writes where an error came from, unless it was meant: a failure is an answer."""
    if not isinstance(error, (failure.Failure, SystemExit)):
        import traceback

        traceback.print_exception(error)


def mistake(function, why):
    """What is wrong with a function, and where it is."""
    code = inspect.unwrap(function).__code__
    return Mistake(f"{code.co_filename}:{code.co_firstlineno}: `{function.__name__}` {why}")


def _is_event(hint):
    return hint is Event or typing.get_origin(hint) is Event


def _is_run(name, hint):
    return name == "run" and hint is typing.Any


def _is_whole(name, hint):
    """Whether a parameter takes all params: a dataclass or a typed dictionary, or one that is called so."""
    has_fields = isinstance(hint, type) and (hasattr(hint, "__dataclass_fields__") or typing.is_typeddict(hint))
    return has_fields or (name == "params" and hint in (typing.Any, dict))
