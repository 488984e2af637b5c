"""Gradient boosting by scikit-learn: predictions, likelihoods, importances."""

import io
import json
import sys

import pandas
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

question = json.load(sys.stdin)
train, test = (pandas.read_csv(io.StringIO(question[name])) for name in ("train", "test"))
features = [name for name in train.columns if name.startswith("x")]
kind = GradientBoostingClassifier if question["classes"] else GradientBoostingRegressor
model = kind(n_estimators=100, learning_rate=0.1, max_depth=3, random_state=0).fit(train[features], train["y"])
answer = {
    "predictions": model.predict(test[features]).tolist(),
    "score": model.score(test[features], test["y"]),
    "importances": dict(zip(features, model.feature_importances_.tolist())),
}
if question["classes"]:
    answer["likely"] = model.predict_proba(test[features]).tolist()
print(json.dumps(answer))
