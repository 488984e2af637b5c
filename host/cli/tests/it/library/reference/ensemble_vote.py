"""Majorities, means and medians of columns by pandas and numpy."""

import io
import json
import sys

import numpy
import pandas

question = json.load(sys.stdin)
tables = [pandas.read_csv(io.StringIO(it), dtype={"id": str}).set_index("id") for it in question["tables"]]
order = tables[0].index
votes = pandas.concat([it["prediction"].reindex(order) for it in tables], axis=1)
weights = numpy.array(question["weights"])
if question["method"] == "mean":
    answer = numpy.average(votes.to_numpy(), axis=1, weights=weights).tolist()
elif question["method"] == "median":
    answer = votes.median(axis=1).tolist()
else:

    def winner(row):
        """The answer of most weight; among equals the one said first."""
        sums = {}
        for vote, weight in zip(row, weights):
            sums[vote] = sums.get(vote, 0) + weight
        return max(sums, key=sums.get)

    answer = [winner(row) for row in votes.to_numpy()]
print(json.dumps(answer))
