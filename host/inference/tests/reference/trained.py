"""Small scikit-learn models, trained with fixed seeds and exported by skl2onnx."""

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType
from sklearn import datasets
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

ROWS = 9
OPSET = {"": 17, "ai.onnx.ml": 3}


def export(model, features, kind=FloatTensorType):
    options = {id(model): {"zipmap": False}} if hasattr(model, "predict_proba") else None
    return to_onnx(model, initial_types=[("X", kind([None, features]))], options=options, target_opset=OPSET)


def case(name, model, x, y, kind=FloatTensorType, dtype=np.float32):
    model.fit(x, y)
    rows = x[:: max(1, len(x) // ROWS)][:ROWS].astype(dtype)
    return name, export(model, x.shape[1], kind), {"X": rows}


def with_holes(x, seed=5):
    x = x.copy()
    x[np.random.default_rng(seed).random(x.shape) < 0.15] = np.nan
    return x


def classifiers():
    iris_x, iris_y = datasets.load_iris(return_X_y=True)
    wine_x, wine_y = datasets.load_wine(return_X_y=True)
    cancer_x, cancer_y = datasets.load_breast_cancer(return_X_y=True)
    cancer_x = cancer_x[:, :8]
    species = np.array(["setosa", "versicolor", "virginica"])[iris_y]
    offset = iris_y + 10

    yield case("logistic-multi", LogisticRegression(max_iter=500), iris_x, iris_y)
    yield case("logistic-binary", LogisticRegression(max_iter=2000), cancer_x, cancer_y)
    yield case("logistic-wine-unscaled", LogisticRegression(max_iter=5000), wine_x, wine_y)
    yield case("logistic-strings", LogisticRegression(max_iter=500), iris_x, species)
    yield case("logistic-double", LogisticRegression(max_iter=500), iris_x, iris_y, DoubleTensorType, np.float64)
    yield case("logistic-integers", LogisticRegression(max_iter=500), iris_x.round(), iris_y, Int64TensorType, np.int64)
    yield case("tree-multi", DecisionTreeClassifier(max_depth=5, random_state=1), iris_x, iris_y)
    yield case("tree-binary", DecisionTreeClassifier(max_depth=5, random_state=1), cancer_x, cancer_y)
    yield case("forest-wine-100", RandomForestClassifier(100, max_depth=6, random_state=2), wine_x, wine_y)
    yield case("forest-binary", RandomForestClassifier(15, max_depth=5, random_state=2), cancer_x, cancer_y)
    yield case("forest-strings", RandomForestClassifier(7, max_depth=4, random_state=2), iris_x, species)
    yield case("forest-labels-from-ten", RandomForestClassifier(7, max_depth=4, random_state=2), iris_x, offset)
    yield case("forest-double", RandomForestClassifier(7, random_state=2), wine_x, wine_y, DoubleTensorType, np.float64)
    yield case("forest-integers", RandomForestClassifier(7, random_state=2), wine_x.round(), wine_y, Int64TensorType, np.int64)
    yield case("extra-trees", ExtraTreesClassifier(12, max_depth=5, random_state=3), wine_x, wine_y)
    yield case("boosting-binary", GradientBoostingClassifier(n_estimators=25, random_state=4), cancer_x, cancer_y)
    yield case("boosting-multi", GradientBoostingClassifier(n_estimators=15, random_state=4), wine_x, wine_y)
    yield case("mlp", make_pipeline(StandardScaler(), MLPClassifier((12,), max_iter=300, random_state=5)), wine_x, wine_y)
    yield case("mlp-binary", MLPClassifier((8, 4), activation="tanh", max_iter=200, random_state=5), cancer_x, cancer_y)
    yield case("knn", KNeighborsClassifier(3), iris_x[::3], iris_y[::3])
    yield case("gaussian-bayes", GaussianNB(), iris_x, iris_y)
    yield case("binarizer-bernoulli-bayes", make_pipeline(Binarizer(threshold=2.5), BernoulliNB()), iris_x, iris_y)
    yield case("discriminant", LinearDiscriminantAnalysis(), iris_x, iris_y)
    yield case("standard-logistic", make_pipeline(StandardScaler(), LogisticRegression()), wine_x, wine_y)
    yield case("minmax-logistic", make_pipeline(MinMaxScaler(), LogisticRegression()), wine_x, wine_y)
    yield case("maxabs-forest", make_pipeline(MaxAbsScaler(), RandomForestClassifier(5, random_state=1)), wine_x, wine_y)
    yield case("robust-logistic", make_pipeline(RobustScaler(), LogisticRegression()), wine_x, wine_y)
    for norm in ("l1", "l2", "max"):
        yield case(f"normalizer-{norm}", make_pipeline(Normalizer(norm), LogisticRegression()), iris_x, iris_y)
    yield case("imputer-forest", make_pipeline(SimpleImputer(strategy="median"), RandomForestClassifier(8, max_depth=5, random_state=6)), with_holes(wine_x), wine_y)
    yield case("imputer-standard-logistic", make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), with_holes(wine_x), wine_y)
    yield case("tree-missing-values", DecisionTreeClassifier(max_depth=5, random_state=1), with_holes(iris_x), iris_y)
    yield case("pca-logistic", make_pipeline(PCA(3), LogisticRegression()), iris_x, iris_y)


def regressors():
    x, y = datasets.load_diabetes(return_X_y=True)
    both = np.stack([y, y**0.5], axis=1)
    yield case("linear", LinearRegression(), x, y)
    yield case("linear-two-targets", Ridge(), x, both)
    yield case("linear-double", LinearRegression(), x, y, DoubleTensorType, np.float64)
    yield case("tree-regressor", DecisionTreeRegressor(max_depth=5, random_state=1), x, y)
    yield case("tree-regressor-two-targets", DecisionTreeRegressor(max_depth=4, random_state=1), x, both)
    yield case("forest-regressor", RandomForestRegressor(15, max_depth=5, random_state=2), x, y)
    yield case("forest-regressor-two-targets", RandomForestRegressor(5, max_depth=4, random_state=2), x, both)
    yield case("boosting-regressor", GradientBoostingRegressor(n_estimators=30, random_state=4), x, y)
    yield case("mlp-regressor", make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(10,), max_iter=300, random_state=5)), x, y)
    yield case("knn-regressor", KNeighborsRegressor(4), x[::5], y[::5])
    yield case("kmeans", KMeans(3, random_state=1, n_init=3), x, y)


def columns():
    """A model with an input per column, as a table gives them."""
    x, y = datasets.load_iris(return_X_y=True)
    model = make_pipeline(
        ColumnTransformer([("scaled", StandardScaler(), [0, 1]), ("ranged", MinMaxScaler(), [2, 3])]),
        LogisticRegression(),
    ).fit(x, y)
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
    exported = to_onnx(
        model,
        initial_types=[(name, FloatTensorType([None, 1])) for name in names],
        options={id(model): {"zipmap": False}},
        target_opset=OPSET,
    )
    rows = x[::17].astype(np.float32)
    return "columns", exported, {name: rows[:, i : i + 1] for i, name in enumerate(names)}


def cases():
    yield from classifiers()
    yield from regressors()
    yield columns()
