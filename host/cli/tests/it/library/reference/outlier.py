"""Rank correlation of our scores with those of scikit-learn's isolation forest."""

import io
import json
import sys

import pandas
from scipy.stats import spearmanr
from sklearn.ensemble import IsolationForest

question = json.load(sys.stdin)
features = pandas.read_csv(io.StringIO(question["data"])).select_dtypes("number")
forests = [-IsolationForest(random_state=seed).fit(features).score_samples(features) for seed in (0, 1)]
answer = {
    "ours": spearmanr(question["scores"], forests[0]).statistic,
    "theirs": spearmanr(forests[0], forests[1]).statistic,
    "mean": float(forests[0].mean()),
}
print(json.dumps(answer))
