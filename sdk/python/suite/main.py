"""The guest of the conformance suite in Python: it does what it is told. See sdk/conformance/suite/README.md."""

import datetime
import json
import random
import sys
from dataclasses import asdict, dataclass, field

from weft_function import (
    Event,
    Fatal,
    Invalid,
    Output,
    Request,
    Response,
    Run,
    Transient,
    config,
    context,
    fetch,
    handler,
    http,
    job,
    keyvalue,
    log,
    model,
    publish,
)


@dataclass
class Typed:
    """What `typed` reads."""

    name: str
    count: int
    tags: list[str] = field(default_factory=list)
    note: str | None = None


@dataclass
class Question:
    """What `model` asks."""

    name: str
    input: str
    shape: list[int]
    values: list[float] | None = None
    doubles: list[float] | None = None
    integers: list[int] | None = None
    strings: list[str] | None = None

    def tensor(self):
        """The question as a tensor."""
        for values, dtype in ((self.doubles, "FP64"), (self.integers, "INT64"), (self.strings, "BYTES")):
            if values is not None:
                return model.Tensor(self.input, self.shape, values, dtype)
        return model.Tensor(self.input, self.shape, self.values or [])


@handler
def behave(event: Event[bytes]):
    """Does what the type of the event says."""
    behaviour = EVENTS.get(event.type)
    if behaviour is None:
        raise Invalid("unknown-behaviour", f"no behaviour is called `{event.type}`")
    return behaviour(event)


def number(event):
    """The payload as a number."""
    try:
        return int(event.data)
    except ValueError as error:
        raise Invalid("bad-number", str(error)) from None


def text(event):
    """The payload as text."""
    try:
        return event.data.decode()
    except UnicodeDecodeError as error:
        raise Invalid("bad-text", str(error)) from None


def read(event, hint=dict):
    """The payload as JSON of that type."""
    return Request("POST", "/", body=event.data).json(hint)


def echo(event):
    return Output(
        event.type,
        event.data,
        outlet=event.inlet,
        subject=event.subject,
        content_type=event.content_type,
        key=event.key,
        extensions=event.extensions,
    )


def about_text(event):
    it = text(event)
    return {"text": it, "upper": it.upper(), "characters": len(it), "bytes": len(event.data)}


def split(event):
    for part in range(number(event)):
        yield Output("part", str(part))


def invalid(event):
    raise Invalid("asked", text(event))


def transient(event):
    raise Transient("asked", "later", retry_after=number(event) / 1000)


def fatal(event):
    raise Fatal("asked", text(event))


def error(event):
    raise RuntimeError(text(event))


def flaky(event):
    attempt = context.attempt()
    if attempt < number(event):
        raise Transient("flaky", f"attempt {attempt} fails")
    return attempt


def write_logs(event):
    levels = (log.trace, log.debug, log.info, log.warn, log.error)
    for line in range(number(event)):
        levels[line % len(levels)](f"line {line}", line=line, id=event.id)


def print_lines(event):
    for line in range(number(event)):
        print(f"out {line}")
        print(f"err {line}", file=sys.stderr)


def about_context(event):
    place = event.origin
    return {
        "call_id": context.call_id(),
        "revision": context.revision(),
        "attempt": context.attempt(),
        "remaining_ms": context.remaining() * 1000,
        "cancelled": context.cancelled(),
        "traceparent": context.traceparent(),
        "trigger": context.trigger()._asdict(),
        "origin": asdict(place) if place else None,
        "event": {
            "id": event.id,
            "source": event.source,
            "type": event.type,
            "subject": event.subject,
            "time": event.time,
            "content_type": event.content_type,
            "key": event.key.decode() if event.key is not None else None,
            "inlet": event.inlet,
            "extensions": event.extensions,
        },
    }


def infer(event):
    question = read(event, Question)
    return written(model.infer(question.name, [question.tensor()]))


def written(prediction):
    """A prediction as the suite shows it."""
    outputs = [{"name": it.name, "dtype": it.dtype, "shape": it.shape, "values": it.values} for it in prediction.outputs]
    return {"version": prediction.version, "outputs": outputs}


def bump(event):
    asked = read(event)
    return keyvalue.open(asked["bucket"]).increment(asked["key"], asked["by"])


def remember(event):
    asked = read(event)
    before = []

    def change(seen):
        before.append(seen)
        return asked["value"]

    after = keyvalue.open(asked["bucket"]).update(asked["key"], change)
    return {"before": before[-1], "after": after}


def forget(event):
    asked = read(event)
    bucket = keyvalue.open(asked["bucket"])
    existed = bucket.exists(asked["key"])
    bucket.delete(asked["key"])
    return {"existed": existed}


def send(event):
    asked = read(event)
    publish.send(asked["to"], Output(asked["type"], asked["data"]))
    return 1


def get(event):
    answer = fetch(text(event))
    return {"status": answer.status, "body": answer.text()}


EVENTS = {
    "echo": echo,
    "text": about_text,
    "typed": lambda event: read(event, Typed),
    "split": split,
    "none": lambda event: None,
    "plain": lambda event: "as it is",
    "status": lambda event: Output(status=number(event)),
    "invalid": invalid,
    "transient": transient,
    "fatal": fatal,
    "error": error,
    "flaky": flaky,
    "log": write_logs,
    "print": print_lines,
    "huge": lambda event: b"x" * number(event),
    "context": about_context,
    "model": infer,
    "current": lambda event: model.current(text(event)),
    "config": lambda event: {"value": config.get(text(event))},
    "require": lambda event: {"value": config.require(text(event))},
    "bump": bump,
    "remember": remember,
    "forget": forget,
    "publish": send,
    "fetch": get,
}


@dataclass
class Guest:
    """What `/json` reads."""

    name: str


@http
def serve(request: Request):
    """Does what the path says."""
    first, _, rest = request.path.strip("/").partition("/")
    match first:
        case "hello":
            return "Hello, World!"
        case "echo":
            return Response(request.body, content_type=request.header("content-type"))
        case "json":
            return {"greeting": f"Hello, {request.json(Guest).name}!"}
        case "describe":
            return {
                "method": request.method,
                "path": request.path,
                "query": request.query,
                "header": request.header("x-suite"),
                "bytes": len(request.body),
            }
        case "status":
            return Response(status=int(rest))
        case "headers":
            return Response(headers=[("x-one", "1"), ("x-two", "a"), ("x-two", "b")])
        case "large":
            return b"x" * int(rest)
        case "invalid":
            raise Invalid("asked", "no")
        case "transient":
            raise Transient("asked", "no", retry_after=1.5)
        case "fatal":
            raise Fatal("asked", "no")
        case "error":
            raise RuntimeError("no")
    return Response(status=404)


@dataclass
class Params:
    """What the job is told."""

    do: str
    n: int = 0
    text: str = ""
    list: list[float] = field(default_factory=list)


@job
def work(params: Params, run: Run):
    """Does what the param `do` says."""
    behaviour = JOBS.get(params.do)
    if behaviour is None:
        raise Invalid("unknown-behaviour", f"no behaviour is called `{params.do}`")
    report = behaviour(params, run)
    return None if report is None else {"report": report}


def copy(params, run):
    for it in run.inputs():
        run.output(it.name).write_bytes(it.path.read_bytes())
    return [it.name for it in run.inputs()]


def write(params, run):
    data = params.text.encode()
    run.output("out").write_bytes(data)
    return len(data)


def about_inputs(params, run):
    def shown(it):
        size = it.path.stat().st_size
        return {"name": it.name, "path": str(it.path), "digest": it.digest, "kind": it.kind, "bytes": size}

    return [shown(it) for it in run.inputs()]


def record(params, run):
    for step in range(params.n):
        run.metric("loss", 1 / (step + 1), step)
    run.metric("accuracy", 0.75)
    run.param("chosen", {"depth": 3})
    run.result("nested", {"list": [1, 2.5, None, "é"]})


def describe(params, run):
    run.output("out").write_text("a,b\n1,2\n")
    run.describe("out", "table", rows=1)


def job_logs(params, run):
    for line in range(params.n):
        log.info(f"line {line}", line=line)


def job_infer(params, run):
    asked = json.loads(params.text)
    return written(model.infer("in/scorer", [model.Tensor(asked["input"], asked["shape"], asked["values"])]))


def job_invalid(params, run):
    raise Invalid("asked", params.text)


def job_transient(params, run):
    raise Transient("asked", params.text, retry_after=params.n / 1000)


def job_fatal(params, run):
    raise Fatal("asked", params.text)


def job_error(params, run):
    raise RuntimeError(params.text)


JOBS = {
    "copy": copy,
    "write": write,
    "params": lambda params, run: {"n": params.n, "text": params.text, "list": params.list},
    "inputs": about_inputs,
    "record": record,
    "describe": describe,
    "context": lambda params, run: {"attempt": context.attempt(), "seed": str(run.seed)},
    "log": job_logs,
    "infer": job_infer,
    "random": lambda params, run: [str(random.random()), str(random.random())],
    "clock": lambda params, run: datetime.datetime.now(datetime.UTC).year,
    "no-input": lambda params, run: str(run.input("nowhere")),
    "invalid": job_invalid,
    "transient": job_transient,
    "fatal": job_fatal,
    "error": job_error,
}
