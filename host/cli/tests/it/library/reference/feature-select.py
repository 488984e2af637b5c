"""Scores of features by scikit-learn."""

import io
import json
import sys

import numpy
import pandas
from sklearn.feature_selection import SelectKBest, chi2, f_classif, f_regression
from sklearn.metrics import mutual_info_score

question = json.load(sys.stdin)
table = pandas.read_csv(io.StringIO(question["data"]))
features = table[question["features"]].to_numpy(float)


def cut(numbers):
    """Bins of about as many rows each, a number at a cut below it."""
    cuts = numpy.unique(numpy.quantile(numbers, numpy.arange(1, question["bins"]) / question["bins"]))
    return numpy.searchsorted(cuts, numbers, side="left")


def scores(label, test):
    f, f_p = test(features, label)
    kept = SelectKBest(test, k=2).fit(features, label).get_support()
    told = label if label.dtype == object else cut(label)
    return {
        "variance": features.var(axis=0).tolist(),
        "f": f.tolist(),
        "f_p": f_p.tolist(),
        "mutual_information": [mutual_info_score(told, cut(column)) for column in features.T],
        "best": [name for name, is_kept in zip(question["features"], kept) if is_kept],
    }


classes = table["class"].astype(str).to_numpy(object)
answer = {"class": scores(classes, f_classif), "y": scores(table["y"].to_numpy(float), f_regression)}
statistic, probability = chi2(features, classes)
answer["class"] |= {"chi2": statistic.tolist(), "chi2_p": probability.tolist()}
print(json.dumps(answer))
