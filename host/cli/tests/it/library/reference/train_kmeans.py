"""Inertia of scikit-learn's k-means, on features of one scale."""

import io
import json
import sys

import pandas
from sklearn.cluster import KMeans
from sklearn.preprocessing import StandardScaler

question = json.load(sys.stdin)
table = pandas.read_csv(io.StringIO(question["data"]))
features = StandardScaler().fit_transform(table.select_dtypes("number"))
model = KMeans(n_clusters=question["clusters"], n_init=10, random_state=0).fit(features)
print(json.dumps({"inertia": model.inertia_, "sizes": sorted(pandas.Series(model.labels_).value_counts().tolist())}))
