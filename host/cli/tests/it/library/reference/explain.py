"""Permutation importance by scikit-learn, of a ridge regression on its own rows held back."""

import io
import json
import sys

import pandas
from sklearn.inspection import permutation_importance
from sklearn.linear_model import Ridge

question = json.load(sys.stdin)
train, test = (pandas.read_csv(io.StringIO(question[name])) for name in ("train", "test"))
features = [name for name in train.columns if name.startswith("x")]
model = Ridge(alpha=1.0).fit(train[features], train["y"])
found = permutation_importance(model, test[features], test["y"], n_repeats=question["repeats"], random_state=0)
rows = zip(features, found.importances_mean, found.importances_std)
print(json.dumps({name: {"mean": float(mean), "std": float(std)} for name, mean, std in rows}))
