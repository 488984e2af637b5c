"""The registry, and predictions beside those that scikit-learn made."""

from __future__ import annotations

import json
import math

import numpy
import pandas
import pytest

import weft
from conftest import ROOT
from weft import tensors

TRAINED = ROOT / "host/inference/tests/fixtures/trained/standard-logistic"


@pytest.fixture
def model(client: weft.Client) -> str:
    client.models.register("grape", TRAINED / "model.onnx", metrics={"accuracy": 0.9}, alias="production")
    return "grape"


def _case() -> tuple[numpy.ndarray, dict]:
    case = json.loads((TRAINED / "case.json").read_text())
    given = case["inputs"][0]
    return numpy.array(given["data"], dtype="float64").reshape(given["shape"]), case


def test_versions_are_registered_promoted_and_rolled_back(client: weft.Client) -> None:
    first = client.models.register("vine", str(TRAINED / "model.onnx"), metrics={"f1": numpy.float64(0.5)})
    assert (first.number, first.metrics["f1"], first.inputs[0].datatype) == (1, 0.5, "FP32")
    second = client.models.register("vine", first.digest, description="again")
    assert second.number in (1, 2)
    other = ROOT / "host/inference/tests/fixtures/trained/pca-logistic/model.onnx"
    newest = client.models.register("vine", other.read_bytes(), alias="candidate").number
    assert client.models.get("vine").aliases == {"candidate": newest}
    assert client.models.promote("vine", 1) is None
    assert client.models.promote("vine", "candidate") == 1
    assert client.models.rollback("vine") == 1
    assert client.models.versions("vine")[-1].number == 1
    assert "vine" in [it.name for it in client.models.list()]


def test_a_prediction_is_what_was_trained(client: weft.Client, model: str) -> None:
    rows, case = _case()
    said = client.models.infer(model, rows)
    assert (said.model, said.version) == (model, "1") and said.digest
    for expected in case["outputs"]:
        got = said[expected["name"]]
        want = numpy.array(expected["data"]).reshape(expected["shape"])
        numpy.testing.assert_allclose(got, want, rtol=1e-4)
    frame = pandas.DataFrame(rows, columns=[f"c{it}" for it in range(rows.shape[1])])
    for given in (frame, rows.tolist(), {said_input(client, model): rows.astype("float32")}):
        again = client.models.infer(f"{model}@production", given)
        numpy.testing.assert_array_equal(again.output, said.output)
    one = client.models.infer(f"{model}@1", rows[0], outputs=[case["outputs"][0]["name"]])
    assert one.output.shape[0] == 1 and len(one.outputs) == 1


def said_input(client: weft.Client, model: str) -> str:
    return client.models.versions(model)[0].inputs[0].name


def test_an_endpoint_answers_under_its_own_name(client: weft.Client, model: str) -> None:
    assert client.models.serve("tasting", f"{model}@production") == "/v2/models/tasting/infer"
    rows, _ = _case()
    assert client.models.infer("tasting", rows).model == model


def test_what_does_not_fit_is_told(client: weft.Client, model: str) -> None:
    with pytest.raises(weft.InvalidError, match="no input `nonsense`"):
        client.models.infer(model, {"nonsense": [[1.0]]})
    with pytest.raises(weft.InvalidError):
        client.models.infer(model, [[1.0, 2.0]])
    with pytest.raises(weft.InvalidError, match="equally long"):
        client.models.infer(model, [[1.0, 2.0], [1.0]])
    with pytest.raises(weft.InvalidError, match="FP32"):
        client.models.infer(model, [["word"] * 13])
    with pytest.raises(weft.NotFoundError):
        client.models.infer("nobody", [[1.0]])
    with weft.connect(client.url, project="other") as other, pytest.raises(weft.InvalidError, match="default"):
        other.models.infer(model, [[1.0]])


def test_tensors_are_cast_to_what_the_model_takes() -> None:
    number = tensors.Spec("x", "INT64", (-1, 1))
    assert tensors.encoded([[1.0], [2]], [number])[0]["data"] == [1, 2]
    with pytest.raises(weft.InvalidError):
        tensors.encoded([[1.5]], [number])
    text = tensors.Spec("word", "BYTES", (-1, 1))
    both = tensors.encoded(pandas.DataFrame({"word": ["a"], "x": [3]}), [number, text])
    assert both == [
        {"name": "x", "datatype": "INT64", "shape": [1, 1], "data": [3]},
        {"name": "word", "datatype": "BYTES", "shape": [1, 1], "data": ["a"]},
    ]
    real = tensors.Spec("y", "FP32", (-1, 2))
    assert tensors.encoded([[math.nan, None]], [real])[0]["data"] == [None, None]
    got = tensors.decoded({"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [None, 1.5]})
    assert math.isnan(got[0, 0]) and got.dtype == "float32"
