"""Jobs: programs with params, inputs and outputs, whose run is on record."""

import typing
from dataclasses import dataclass
from pathlib import Path

from . import _codec, _host
from .failure import Fatal, Invalid

if _host.INSIDE:
    _run = _host.bindings("run")
else:
    from ._native import run as _run


@dataclass(frozen=True)
class Input:
    """An input, there to be read: what `run.input_info` knows of it."""

    name: str
    path: Path
    digest: str
    kind: str
    media_type: str


class Run:
    """The run a job is: where its inputs are, where its outputs go, and what it puts on record."""

    def __init__(self, host=None):
        self._host = _run if host is None else host

    @classmethod
    def in_folder(cls, folder, **params):
        """A run for a test, natively: inputs are the files in `folder/in`, outputs go to `folder/out`.

        What it puts on record is in `recorded`.
        """
        from ._native import Folder

        return cls(Folder(Path(folder), params))

    @property
    def recorded(self):
        """What was put on record so far, natively: params, metrics, results and outputs."""
        return self._host.recorded

    @property
    def params(self):
        """The params as a dictionary, defaults filled in."""
        return _codec.parsed(self._host.params_json().encode())

    def input(self, name):
        """Where to read that input, a `Path`; a fatal failure where there is none of that name."""
        return self.input_info(name).path

    def input_info(self, name):
        """All that is known of that input; a fatal failure where there is none of that name."""
        for found in self.inputs():
            if found.name == name:
                return found
        names = ", ".join(it.name for it in self.inputs()) or "none"
        raise Fatal("no-input", f"the run has no input `{name}`; it has {names}")

    def has_input(self, name):
        """Whether there is an input of that name: for optional ones."""
        return any(it.name == name for it in self.inputs())

    def inputs(self):
        """The inputs, in the manifest's order."""
        return [Input(it.name, Path(it.path), it.digest, it.kind, it.media_type) for it in self._host.inputs()]

    def output(self, name):
        """Where to write that output, a `Path`: a file, under the name the manifest declares."""
        return Path(getattr(self._host, "outputs", "/out")) / name

    def describe(self, name, kind, /, **metadata):
        """Says what an output is (`dataset`, `model`, `plot`, `table`, `report` or `file`), and whatever else is to know."""
        try:
            self._host.describe_output(name, kind, _json(name, metadata))
        except Exception as error:
            why = _host.reason(error) or str(error)
            raise Fatal("bad-output", why) from None

    def metric(self, name, value, step=None):
        """Records a measurement, at a step of training where there is one."""
        self._host.log_metric(name, float(value), step)

    def result(self, name, value):
        """Records a result: anything that JSON can say."""
        self._host.log_result(name, _json(name, value))

    def param(self, name, value):
        """Records a param that the job chose itself."""
        self._host.log_param(name, _json(name, value))

    def progress(self, fraction, message=""):
        """Says how far the job is, from 0 to 1, and what it is doing."""
        self._host.progress(float(fraction), message)

    @property
    def seed(self):
        """The seed of this step: the same for every attempt and every reproduction of it. `random` is seeded by it."""
        return self._host.seed()


def typed(params, hint):
    """Params as that type: a dataclass for all of them."""
    return _codec.fitted(params, hint, "bad-params")


def by_name(params, hints, defaults):
    """Params for a job that names each of them; those it does not name are left out."""
    found = {}
    for name, hint in hints.items():
        if name in params:
            found[name] = _param(name, params[name], hint)
        elif name not in defaults:
            raise Invalid("bad-params", f"the param `{name}` is missing")
    return found


def _param(name, value, hint):
    try:
        return _codec.fit(value, hint, name)
    except _codec.Misfit as error:
        raise Invalid("bad-params", str(error)) from None


def _json(name, value: typing.Any):
    try:
        return _codec.written(value).decode()
    except Exception as error:
        raise Fatal("bad-result", f"`{name}` is not JSON: {getattr(error, 'message', error)}") from None
