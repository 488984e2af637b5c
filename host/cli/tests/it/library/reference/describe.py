"""Quantiles, moments and correlations by pandas and scipy."""

import io
import json
import sys

import pandas
from scipy import stats

question = json.load(sys.stdin)
table = pandas.read_csv(io.StringIO(question["data"]))
numbers = table.select_dtypes("number")
columns = {
    name: {
        "missing": int(column.isna().sum()),
        "mean": column.mean(),
        "std": column.std(),
        "q25": column.quantile(0.25),
        "median": column.median(),
        "q95": column.quantile(0.95),
        "skewness": float(stats.skew(column.dropna())),
        "kurtosis": float(stats.kurtosis(column.dropna(), fisher=False)),
    }
    for name, column in numbers.items()
}
correlations = numbers.dropna().corr().to_numpy().tolist()
print(json.dumps({"columns": columns, "correlations": correlations}))
