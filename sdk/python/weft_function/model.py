"""Models from the registry, as far as the manifest grants them.

A name is `wine`, `wine@candidate` (an alias), `wine@3` (a version), or `in/<name>` in a job with an input that is a model.
"""

import struct
from dataclasses import dataclass

from . import _host
from .failure import Fatal, Invalid, Transient

_model = _host.bindings("model")

# How an element is laid out, little-endian.
_LAYOUT = {
    "BOOL": "?", "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q",
    "INT8": "b", "INT16": "h", "INT32": "i", "INT64": "q", "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip


@dataclass(frozen=True)
class Version:
    """One immutable version of a model."""

    model: str
    number: int
    digest: str


@dataclass(frozen=True)
class Tensor:
    """A named array: `Tensor("input", [1, 3], [5.1, 3.5, 1.4])`. Types go by their Open Inference Protocol names."""

    name: str
    shape: list[int]
    values: list
    dtype: str = "FP32"

    def pack(self):
        """The elements as bytes, row by row."""
        if self.dtype == "BYTES":
            items = [it.encode() if isinstance(it, str) else bytes(it) for it in self.values]
            return b"".join(struct.pack("<I", len(it)) + it for it in items)
        layout = _LAYOUT.get(self.dtype)
        if layout is None:
            raise Invalid("bad-tensor", f"tensor `{self.name}` has no such type: {self.dtype}")
        try:
            return struct.pack(f"<{len(self.values)}{layout}", *self.values)
        except (struct.error, OverflowError, TypeError) as error:
            raise Invalid("bad-tensor", f"tensor `{self.name}` is no {self.dtype}: {error}") from None

    @classmethod
    def unpack(cls, name, dtype, shape, data):
        """The tensor that bytes hold."""
        if dtype == "BYTES":
            return cls(name, shape, _strings(name, data), dtype)
        layout = _LAYOUT[dtype]
        if len(data) % struct.calcsize(f"<{layout}"):
            raise _cut(name)
        count = len(data) // struct.calcsize(f"<{layout}")
        return cls(name, shape, list(struct.unpack(f"<{count}{layout}", data)), dtype)


@dataclass(frozen=True)
class Prediction:
    """What a model answered, and which version of it."""

    version: Version
    outputs: list[Tensor]

    def output(self, name):
        """The output of that name."""
        for tensor in self.outputs:
            if tensor.name == name:
                return tensor
        names = ", ".join(it.name for it in self.outputs)
        raise Invalid("bad-tensor", f"the model has no output `{name}`; it has {names}")


def infer(name, inputs):
    """Infers on the version that `name` means at this moment; `inputs` are tensors."""
    host = _granted(name)
    tensors = [host.Tensor(it.name, _dtype(host, it), list(it.shape), it.pack()) for it in inputs]
    answer = _asked(lambda: host.infer(name, tensors))
    outputs = [Tensor.unpack(it.name, _name(it.dtype), it.shape, it.data) for it in answer.outputs]
    return Prediction(_version(answer.version), outputs)


def current(name):
    """The version that `name` means at this moment."""
    host = _granted(name)
    return _version(_asked(lambda: host.current(name)))


def _granted(name):
    if _model is None:
        raise Fatal("model-not-granted", f"model `{name}` is not granted: add it to `model` under [grants]")
    return _model


def _asked(ask):
    try:
        return ask()
    except Exception as error:
        value = getattr(error, "value", None)
        failure = _failure(_host.variant(value), _host.reason(value)) if value is not None else None
        raise failure or error from None


def _failure(kind, why):
    match kind:
        case "NotGranted":
            return Fatal("model-not-granted", f"model `{why}` is not granted: add it to `model` under [grants]")
        case "NotFound":
            return Fatal("model-not-found", f"model `{why}` is not registered")
        case "Invalid":
            return Invalid("bad-tensor", why)
        case "Busy":
            return Transient("model-busy", "model is busy")
        case "Failed":
            return Fatal("model-failed", f"model failed: {why}")
    return None


def _version(version):
    return Version(version.model, version.number, version.digest)


def _dtype(host, tensor):
    return host.Dtype["BOOLEAN" if tensor.dtype == "BOOL" else tensor.dtype]


def _name(dtype):
    return "BOOL" if dtype.name == "BOOLEAN" else dtype.name


def _strings(name, data):
    found, at = [], 0
    while at < len(data):
        if at + 4 > len(data):
            raise _cut(name)
        (length,) = struct.unpack_from("<I", data, at)
        at += 4 + length
        if at > len(data):
            raise _cut(name)
        found.append(data[at - length : at].decode(errors="replace"))
    return found


def _cut(name):
    return Invalid("bad-tensor", f"tensor `{name}` ends inside an element")
