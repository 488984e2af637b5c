"""How far columns of two tables are apart, by scipy and numpy."""

import io
import json
import math
import sys

import numpy
import pandas
from scipy import special, stats
from scipy.spatial.distance import jensenshannon

question = json.load(sys.stdin)
before, now = (pandas.read_csv(io.StringIO(question[name])) for name in ("reference", "current"))


def index(first, second):
    """The population stability index of shares."""
    first, second = (numpy.maximum(it, 1e-4) for it in (first, second))
    return float(((second - first) * numpy.log(second / first)).sum())


def shares(column, edges):
    """Shares of the parts between edges, both ends open."""
    return numpy.histogram(column, [-numpy.inf, *edges, numpy.inf])[0] / len(column)


columns = {}
for name in before.columns:
    first, second = before[name].dropna(), now[name].dropna()
    if pandas.api.types.is_numeric_dtype(first):
        edges = numpy.unique(numpy.quantile(first, numpy.linspace(0, 1, 11))[1:-1])
        parts = shares(first, edges), shares(second, edges)
        distance = stats.ks_2samp(first, second).statistic
        rows = len(first) * len(second) / (len(first) + len(second))
        columns[name] = {
            "ks": distance,
            "ks_p": special.kolmogorov(math.sqrt(rows) * distance),
            "wasserstein": stats.wasserstein_distance(first, second),
            "wasserstein_scaled": stats.wasserstein_distance(first, second) / first.std(ddof=0),
        }
    else:
        words = sorted(set(first) | set(second))
        parts = tuple(it.value_counts(normalize=True).reindex(words, fill_value=0).to_numpy() for it in (first, second))
        columns[name] = {}
    columns[name] |= {"psi": index(*parts), "jensen_shannon": float(jensenshannon(*parts, base=2))}
print(json.dumps(columns))
