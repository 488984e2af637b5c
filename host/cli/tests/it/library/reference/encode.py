"""Categories as numbers by scikit-learn: learned from one table, put to both."""

import io
import json
import sys
import warnings

import pandas
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, TargetEncoder

warnings.filterwarnings("ignore")
question = json.load(sys.stdin)


def encoder(case):
    if case["method"] == "one_hot":
        drop = "first" if case.get("drop_first") else None
        return OneHotEncoder(handle_unknown="ignore", drop=drop, sparse_output=False)
    if case["method"] == "ordinal":
        return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return TargetEncoder(target_type="continuous", smooth=float(case["smoothing"]))


def plain(value):
    if not isinstance(value, (str, bool)) and pandas.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def replaced(frame, name, new):
    """Each column of categories gives way, where it stood, to what stands for it."""
    told = []
    for column in frame.columns:
        told += new if column == name else [(column, frame[column])]
    return pandas.DataFrame(dict(told))


def answer(case):
    train, test = (pandas.read_csv(io.StringIO(question[name])) for name in ("train", "test"))
    label = train[case["label"]].to_numpy(float) if "label" in case else None
    for name in case["columns"]:
        cells = lambda frame: frame[[name]].astype(str).to_numpy(object)
        fitted = encoder(case).fit(cells(train), label)
        names = fitted.get_feature_names_out([name])
        both = []
        for frame in (train, test):
            numbers = fitted.transform(cells(frame))
            both.append(replaced(frame, name, [(new, numbers[:, at]) for at, new in enumerate(names)]))
        train, test = both
    columns = lambda frame: [[name, [plain(it) for it in frame[name].tolist()]] for name in frame.columns]
    return {"train": columns(train), "test": columns(test)}


print(json.dumps([answer(case) for case in question["cases"]]))
