"""Models: versions, aliases, and predictions by the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import frames, tensors
from .artifacts import Artifact, Artifacts
from .errors import InvalidError
from .transport import Transport


@dataclass(frozen=True)
class Version:
    """One immutable version of a model."""

    model: str
    number: int
    digest: str
    format: str
    inputs: tuple[tensors.Spec, ...]
    outputs: tuple[tensors.Spec, ...]
    metrics: Mapping[str, Any]
    description: str | None
    run: str | None
    step: str | None
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Version:
        """From its JSON."""
        return cls(
            model=raw["model"],
            number=raw["number"],
            digest=raw["digest"],
            format=raw["format"],
            inputs=tensors.specs(raw["signature"]["inputs"]),
            outputs=tensors.specs(raw["signature"]["outputs"]),
            metrics=raw.get("metrics") or {},
            description=raw.get("description"),
            run=raw.get("run"),
            step=raw.get("step"),
            created_at=datetime.fromisoformat(raw["created_at"]),
            created_by=raw["created_by"],
        )


@dataclass(frozen=True)
class Model:
    """A lineage of versions, and where its aliases point."""

    name: str
    newest: int | None
    aliases: Mapping[str, int]

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Model:
        """From its JSON."""
        newest = raw.get("newest")
        if newest is None and raw.get("versions"):
            newest = raw["versions"][0]["number"]
        return cls(raw["name"], newest, {it["alias"]: it["number"] for it in raw["aliases"]})


@dataclass(frozen=True)
class Prediction:
    """What a model said, and which version computed it."""

    model: str
    version: str
    digest: str | None
    outputs: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.outputs[name]

    @property
    def output(self) -> Any:
        """The only output, or the first."""
        return next(iter(self.outputs.values()))


class Models:
    """The models of a project."""

    def __init__(self, transport: Transport, artifacts: Artifacts) -> None:
        self._transport = transport
        self._artifacts = artifacts
        self._inputs: dict[str, tuple[tensors.Spec, ...]] = {}

    def list(self) -> Iterator[Model]:
        """Every model."""
        for raw in self._transport.items(self._transport.in_project("/models")):
            yield Model.of(raw)

    def get(self, name: str) -> Model:
        """A model with its aliases."""
        return Model.of(self._transport.json("GET", self._path(name)))

    def versions(self, name: str) -> Sequence[Version]:
        """Its versions, newest first."""
        return [Version.of(it) for it in self._transport.json("GET", f"{self._path(name)}/versions")["items"]]

    def register(
        self,
        name: str,
        source: Any,
        *,
        metrics: Mapping[str, Any] | None = None,
        description: str | None = None,
        format: str = "onnx",
        alias: str | None = None,
    ) -> Version:
        """Makes an artifact, its digest, a file or bytes a version, and with ``alias`` points that to it."""
        if isinstance(source, Artifact):
            digest = source.digest
        elif isinstance(source, str) and source.startswith("sha256:"):
            digest = source
        else:
            digest = self._uploaded(name, source, format)
        body = {"digest": digest, "format": format, "metrics": frames.plain(metrics or {}), "description": description}
        version = Version.of(self._transport.json("POST", f"{self._path(name)}/versions", json=body))
        if alias is not None:
            self.promote(name, version.number, alias=alias)
        return version

    def promote(self, name: str, version: int | str, *, alias: str = "production") -> int | None:
        """Points an alias to a version, by number or by another alias; gives back where it pointed before."""
        path = f"{self._path(name)}/aliases/{quote(alias)}"
        return self._transport.json("PUT", path, json={"version": str(version)}).get("previous")

    def rollback(self, name: str, *, alias: str = "production") -> int:
        """Points an alias to where it pointed before its last move."""
        path = f"{self._path(name)}/aliases/{quote(alias)}/rollback"
        return self._transport.json("POST", path, json={})["number"]

    def serve(self, endpoint: str, model: str) -> str:
        """Serves ``model``, ``model@alias`` or ``model@number`` under a name; gives back the path it answers at."""
        path = self._transport.in_project(f"/endpoints/{quote(endpoint)}")
        return self._transport.json("PUT", path, json={"model": model})["path"]

    def infer(self, name: str, inputs: Any, *, outputs: Sequence[str] | None = None) -> Prediction:
        """Asks ``name``, ``name@alias``, ``name@number`` or an endpoint.

        ``inputs`` is a frame, an array or nested lists for a model with one input, or a dict of arrays by the names of
        the inputs; a frame whose columns are the model's inputs is taken apart. Values become the types that the model
        wants, missing ones NaN. Outputs are numpy arrays where numpy is installed.
        """
        if self._transport.connection.project != "default":
            hint = "connect to the project `default`, or ask through a function that is granted the model"
            raise InvalidError("the inference protocol knows the models of the project `default` alone", hint=hint)
        model, _, version = name.partition("@")
        path = f"/v2/models/{quote(model)}" + (f"/versions/{quote(version)}" if version else "")
        known = path in self._inputs
        try:
            return self._ask(path, inputs, outputs)
        except InvalidError:
            if not known:
                raise
        # What was known of the model may be that of another version.
        del self._inputs[path]
        return self._ask(path, inputs, outputs)

    def _ask(self, path: str, inputs: Any, outputs: Sequence[str] | None) -> Prediction:
        if path not in self._inputs:
            self._inputs[path] = tensors.specs(self._transport.json("GET", path)["inputs"])
        body: dict[str, Any] = {"inputs": tensors.encoded(inputs, self._inputs[path])}
        if outputs is not None:
            body["outputs"] = [{"name": it} for it in outputs]
        # A prediction changes nothing, so that it may be asked for again.
        raw = self._transport.json("POST", f"{path}/infer", json=body, again=True)
        return Prediction(
            model=raw.get("parameters", {}).get("model", raw["model_name"]),
            version=raw["model_version"],
            digest=raw.get("parameters", {}).get("digest"),
            outputs={it["name"]: tensors.decoded(it) for it in raw["outputs"]},
        )

    def _uploaded(self, name: str, source: Any, format: str) -> str:
        source = Path(source) if isinstance(source, str) else source
        return self._artifacts.upload(source, f"{name}.{format}", kind="model").digest

    def _path(self, name: str) -> str:
        return self._transport.in_project(f"/models/{quote(name)}")
