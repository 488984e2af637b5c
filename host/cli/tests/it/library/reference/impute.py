"""Gaps filled by scikit-learn: learned from one table, put into both."""

import io
import json
import sys

import numpy
import pandas
from sklearn.impute import KNNImputer, SimpleImputer

question = json.load(sys.stdin)


def imputer(case, is_text):
    strategy = case["strategy"]
    if strategy == "knn":
        return KNNImputer(n_neighbors=case["neighbors"])
    fill = float(case["value"]) if strategy == "constant" else None
    missing = None if is_text else numpy.nan
    return SimpleImputer(strategy=strategy, fill_value=fill, missing_values=missing)


def values(frame, names, is_text):
    if not is_text:
        return frame[names].to_numpy(float)
    cells = frame[names].astype(object)
    return cells.where(cells.notna(), None).to_numpy(object)


def plain(value):
    if value is None or (not isinstance(value, str) and pandas.isna(value)):
        return None
    return value.item() if hasattr(value, "item") else value


def columns(frame):
    return [[name, [plain(it) for it in frame[name].tolist()]] for name in frame.columns]


def answer(case):
    train, test = (pandas.read_csv(io.StringIO(question[name])) for name in ("train", "test"))
    texts = [name for name in case["columns"] if name == "color"]
    numbers = [name for name in case["columns"] if name != "color"]
    for names, is_text in ((numbers, False), (texts, True)):
        if not names:
            continue
        fitted = imputer(case, is_text).fit(values(train, names, is_text))
        for frame in (train, test):
            filled = fitted.transform(values(frame, names, is_text))
            for at, name in enumerate(names):
                frame[name] = filled[:, at]
    return {"train": columns(train), "test": columns(test)}


print(json.dumps([answer(case) for case in question["cases"]]))
