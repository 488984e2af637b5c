"""Parity of groups by fairlearn, measures by scikit-learn."""

import io
import json
import sys

import fairlearn.metrics as fair
import pandas
from sklearn import metrics

question = json.load(sys.stdin)
table = pandas.read_csv(io.StringIO(question["data"]))
truth, found, groups = table["y"] == "yes", pandas.Series(question["found"]) == "yes", table["who"]
frame = fair.MetricFrame(
    metrics={
        "selection_rate": fair.selection_rate,
        "true_positive_rate": fair.true_positive_rate,
        "false_positive_rate": fair.false_positive_rate,
        "accuracy": metrics.accuracy_score,
    },
    y_true=truth,
    y_pred=found,
    sensitive_features=groups,
)
print(
    json.dumps(
        {
            "accuracy": metrics.accuracy_score(truth, found),
            "f1_macro": metrics.f1_score(truth, found, average="macro"),
            "demographic_parity_difference": fair.demographic_parity_difference(truth, found, sensitive_features=groups),
            "demographic_parity_ratio": fair.demographic_parity_ratio(truth, found, sensitive_features=groups),
            "equalized_odds_difference": fair.equalized_odds_difference(truth, found, sensitive_features=groups),
            "equalized_odds_ratio": fair.equalized_odds_ratio(truth, found, sensitive_features=groups),
            "groups": {name: row.to_dict() for name, row in frame.by_group.iterrows()},
        }
    )
)
