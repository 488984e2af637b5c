"""Writes the fixtures: small models, inputs, and what onnxruntime answers.

usage: python generate.py [FOLDER]      (default: ../fixtures)

Two families, both with fixed seeds:

  trained/<name>/     models trained by scikit-learn and exported by skl2onnx: `model.onnx`, `case.json`
  operators.jsonl     single operators written by hand, for the corners that no exporter emits: one case
                      per line, its model in hexadecimal

A case holds the inputs that were given and the outputs that onnxruntime gave.
"""

import json
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnxruntime

import operators
import trained

NAMES = {
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    "tensor(int64)": "INT64",
    "tensor(int32)": "INT32",
    "tensor(bool)": "BOOL",
    "tensor(float16)": "FP16",
    "tensor(string)": "BYTES",
}


def element(value):
    """A JSON value that gives the same bits back: JSON itself has no NaN and no infinity."""
    if isinstance(value, np.floating):
        if not np.isfinite(value):
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(value)]
        return float(value) if value.dtype == np.float16 else float(str(value))
    return value.item() if isinstance(value, np.generic) else value


def tensor(name, dtype, array):
    data = [element(value) for value in array.flatten()]
    return {"name": name, "dtype": dtype, "shape": list(array.shape), "data": data}


def case(model, inputs):
    """Scores `inputs` on onnxruntime, one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    answers = [np.asarray(answer) for answer in session.run(None, inputs)]
    return {
        "inputs": [tensor(it.name, NAMES[it.type], inputs[it.name]) for it in session.get_inputs()],
        "outputs": [tensor(it.name, NAMES[it.type], answer) for it, answer in zip(session.get_outputs(), answers)],
    }


def write_trained(folder):
    count = 0
    for count, (name, model, inputs) in enumerate(trained.cases(), 1):
        model = model.SerializeToString()
        target = folder / "trained" / name
        target.mkdir(parents=True)
        (target / "model.onnx").write_bytes(model)
        (target / "case.json").write_text(json.dumps(case(model, inputs)) + "\n")
    return count


def write_operators(folder):
    lines = []
    for name, model, inputs in operators.cases():
        model = model.SerializeToString()
        try:
            lines.append(json.dumps({"name": name, "model": model.hex()} | case(model, inputs)))
        except Exception as error:
            raise SystemExit(f"error: {name}: {error}") from error
    (folder / "operators.jsonl").write_text("\n".join(lines) + "\n")
    return len(lines)


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "fixtures"
    warnings.filterwarnings("ignore")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    counts = f"{write_trained(folder)} trained models, {write_operators(folder)} operators"
    size = sum(it.stat().st_size for it in folder.rglob("*") if it.is_file())
    print(f"{counts}, {size / 1024:.0f} KiB, in {folder}")


if __name__ == "__main__":
    main()
