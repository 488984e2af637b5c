"""Single operators written by hand: modes, transforms and layouts that no exporter emits."""

import itertools

import numpy as np
from onnx import TensorProto, helper

ROWS, FEATURES = 7, 4
ML = "ai.onnx.ml"


def model(nodes, inputs, outputs, initializers=()):
    graph = helper.make_graph(nodes, "graph", inputs, outputs, list(initializers))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(ML, 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def value(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def rows(seed, dtype=np.float32, scale=1.0):
    x = np.random.default_rng(seed).normal(0, scale, (ROWS, FEATURES))
    return x.round().astype(dtype) if np.issubdtype(dtype, np.integer) else x.astype(dtype)


def single(operator, attributes, x, outputs, kind=TensorProto.FLOAT):
    node = helper.make_node(operator, ["X"], [it.name for it in outputs], domain=ML, **attributes)
    return model([node], [value("X", kind, [None, *x.shape[1:]])], outputs), {"X": x}


SCORES = value("scores", TensorProto.FLOAT, [None, None])
LABEL = value("label", TensorProto.INT64, [None])
Y = value("Y", TensorProto.FLOAT, [None, None])

BRANCHES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
TRANSFORMS = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"]


def forest(seed, prefix, targets, modes=("BRANCH_LEQ",), tracks=False, low=-1.0, high=1.0, trees=4, several=False):
    """A random ensemble: complete trees of depth three, thresholds that some inputs equal."""
    random = np.random.default_rng(seed)
    nodes = {key: [] for key in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")}
    leaves = {key: [] for key in ("treeids", "nodeids", "ids", "weights")}
    missing = []
    for tree in range(trees):
        for node in range(15):
            leaf = node >= 7
            nodes["treeids"].append(tree)
            nodes["nodeids"].append(node)
            nodes["featureids"].append(0 if leaf else int(random.integers(FEATURES)))
            nodes["values"].append(0.0 if leaf else float(np.float32(random.integers(-4, 5) / 4)))
            nodes["modes"].append("LEAF" if leaf else str(random.choice(modes)))
            nodes["truenodeids"].append(0 if leaf else 2 * node + 1)
            nodes["falsenodeids"].append(0 if leaf else 2 * node + 2)
            missing.append(0 if leaf else int(random.integers(2)))
            for target in (targets if several else [random.choice(targets)]) if leaf else []:
                leaves["treeids"].append(tree)
                leaves["nodeids"].append(node)
                leaves["ids"].append(int(target))
                leaves["weights"].append(float(np.float32(random.uniform(low, high))))
    attributes = {f"nodes_{key}": list_ for key, list_ in nodes.items()}
    attributes |= {f"{prefix}_{key}": list_ for key, list_ in leaves.items()}
    if tracks:
        attributes["nodes_missing_value_tracks_true"] = missing
    return attributes


def quarters(seed, holes=False):
    """Inputs on the same grid as the thresholds, so that equality is met."""
    random = np.random.default_rng(seed)
    x = (random.integers(-5, 6, (ROWS, FEATURES)) / 4).astype(np.float32)
    if holes:
        x[random.random(x.shape) < 0.3] = np.nan
    return x


def tree_regressors():
    for number, mode in enumerate(BRANCHES):
        for holes, tracks in ((False, False), (True, False), (True, True)):
            attributes = forest(number, "target", [0], [mode], tracks) | {"n_targets": 1}
            name = mode.removeprefix("BRANCH_").lower() + ("-holes" if holes else "") + ("-tracked" if tracks else "")
            yield f"trees-{name}", *single("TreeEnsembleRegressor", attributes, quarters(number, holes), [Y])
    attributes = forest(9, "target", [0], BRANCHES, True) | {"n_targets": 1}
    yield "trees-all-modes", *single("TreeEnsembleRegressor", attributes, quarters(9, True), [Y])
    for aggregate, targets, base in itertools.product(("SUM", "AVERAGE", "MIN", "MAX"), (1, 3), (False, True)):
        attributes = forest(20, "target", list(range(targets)), several=targets > 1) | {
            "n_targets": targets,
            "aggregate_function": aggregate,
        }
        if base:
            attributes["base_values"] = [0.5, -1.25, 2.0][:targets]
        name = f"trees-{aggregate.lower()}-{targets}{'-base' if base else ''}"
        yield name, *single("TreeEnsembleRegressor", attributes, quarters(20), [Y])
    for transform, targets in itertools.product(TRANSFORMS, (1, 3)):
        attributes = forest(30, "target", list(range(targets)), low=0.02, high=0.2) | {
            "n_targets": targets,
            "post_transform": transform,
        }
        name = f"trees-{transform.lower().replace('_', '-')}-{targets}"
        yield name, *single("TreeEnsembleRegressor", attributes, quarters(30), [Y])
    attributes = forest(40, "target", [0]) | {"n_targets": 1}
    yield "trees-input-double", *single("TreeEnsembleRegressor", attributes, rows(40, np.float64, 2.0), [Y], TensorProto.DOUBLE)


def tree_corners():
    """One split; what stands at its leaves is the corner."""
    split = {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_featureids": [0, 0, 0],
        "nodes_values": [0.1, 7.5, 8.5],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_truenodeids": [1, 0, 0],
        "nodes_falsenodeids": [2, 0, 0],
    }

    def weights(nodes, targets, values, count):
        return split | {
            "target_treeids": [0] * len(nodes),
            "target_nodeids": nodes,
            "target_ids": targets,
            "target_weights": values,
            "n_targets": count,
        }

    x = quarters(45)
    corners = {
        "two-weights-for-one-target": weights([1, 1, 2], [0, 0, 0], [1.0, 2.0, 4.0], 1),
        "two-weights-for-one-of-two-targets": weights([1, 1, 2], [1, 1, 0], [1.0, 2.0, 4.0], 2),
        "a-leaf-without-weight": weights([2], [0], [4.0], 1),
        "a-leaf-without-weight-of-two-targets": weights([2], [0], [4.0], 2),
        "a-weight-at-a-branch": weights([0, 1, 2], [0, 0, 0], [100.0, 2.0, 4.0], 1),
    }
    for name, attributes in corners.items():
        yield name, *single("TreeEnsembleRegressor", attributes, x, [Y])
    between = np.zeros((2, FEATURES))
    between[:, 0] = [0.1, float(np.float32(0.1))]
    yield "a-double-between-two-singles", *single("TreeEnsembleRegressor", weights([1, 2], [0, 0], [1.0, 2.0], 1), between + [[1e-10, 0, 0, 0]], [Y], TensorProto.DOUBLE)
    leaf = {key: list_[1:2] for key, list_ in split.items()} | {"target_treeids": [0], "target_nodeids": [1], "target_ids": [0], "target_weights": [1.5], "n_targets": 1}
    yield "a-tree-that-is-a-leaf", *single("TreeEnsembleRegressor", leaf, x, [Y])
    shared = {
        "nodes_treeids": [0] * 4,
        "nodes_nodeids": [0, 1, 2, 3],
        "nodes_featureids": [0, 1, 0, 0],
        "nodes_values": [-0.5, 0.0, 0.0, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF"],
        "nodes_truenodeids": [2, 2, 0, 0],
        "nodes_falsenodeids": [1, 3, 0, 0],
        "target_treeids": [0, 0],
        "target_nodeids": [2, 3],
        "target_ids": [0, 0],
        "target_weights": [1.5, 9.0],
        "n_targets": 1,
    }
    yield "a-leaf-with-two-parents", *single("TreeEnsembleRegressor", shared, x, [Y])


def tree_classifiers():
    """Every layout of weights, base values and transforms, for two, three and one class."""
    layouts = {
        "two-on-0": (2, [0]),
        "two-on-1": (2, [1]),
        "two-on-both": (2, [0, 1]),
        "three": (3, [0, 1, 2]),
        "three-without-1": (3, [0, 2]),
        "one": (1, [0]),
    }
    for (layout, (classes, targets)), signed, base, transform in itertools.product(
        layouts.items(), (False, True), (0, 1, 2, 3), TRANSFORMS
    ):
        if base not in (0, classes) and not (classes == 2 and base == 1):
            continue
        # Of one probability for two classes, onnxruntime leaves the second score as it happens to be.
        if transform == "PROBIT" and (signed or base or layout == "two-on-0"):
            continue
        low, high = (-1.0, 1.0) if signed else (0.02, 0.23)
        attributes = forest(50 + classes, "class", targets, low=low, high=high) | {
            "classlabels_int64s": [7, 3, 5][:classes],
            "post_transform": transform,
        }
        if base:
            attributes["base_values"] = [0.25, -0.5, 0.125][:base]
        sign = "signed" if signed else "positive"
        name = f"classes-{layout}-{sign}-base{base}-{transform.lower().replace('_', '-')}"
        yield name, *single("TreeEnsembleClassifier", attributes, quarters(60), [LABEL, SCORES])
    for name, kind, dtype in (("double", TensorProto.DOUBLE, np.float64), ("int64", TensorProto.INT64, np.int64), ("int32", TensorProto.INT32, np.int32)):
        attributes = forest(52, "class", [0, 1, 2]) | {"classlabels_int64s": [7, 3, 5]}
        yield f"classes-input-{name}", *single("TreeEnsembleClassifier", attributes, rows(52, dtype, 2.0), [LABEL, SCORES], kind)
    strings = forest(51, "class", [0, 1, 2]) | {"classlabels_strings": ["red", "green", "blue"]}
    label = value("label", TensorProto.STRING, [None])
    yield "classes-strings", *single("TreeEnsembleClassifier", strings, quarters(61), [label, SCORES])


def linear():
    x = rows(70)
    weights = [float(np.float32(it)) for it in np.random.default_rng(71).normal(size=3 * FEATURES)]
    for transform, targets in itertools.product(TRANSFORMS, (1, 3)):
        scale = 0.05 if transform == "PROBIT" else 1.0
        attributes = {
            "coefficients": [scale * it for it in weights[: targets * FEATURES]],
            # Away from a half, where the approximation of the probit loses its digits.
            "intercepts": [0.25, 0.3, 0.75][:targets],
            "post_transform": transform,
        }
        name = f"{transform.lower().replace('_', '-')}-{targets}"
        yield f"linear-regressor-{name}", *single("LinearRegressor", attributes | {"targets": targets}, x, [Y])
        if transform == "PROBIT" and targets == 1:
            continue  # onnxruntime leaves half of the scores as they happen to be
        labels = {"classlabels_ints": [7, 3, 5] if targets == 3 else [7, 3]}
        yield f"linear-classifier-{name}", *single("LinearClassifier", attributes | labels, x, [LABEL, SCORES])
    plain = {"coefficients": weights[:FEATURES]}
    yield "linear-regressor-no-intercept", *single("LinearRegressor", plain, x, [Y])
    strings = {"coefficients": weights, "intercepts": [0.1, 0.2, 0.3], "classlabels_strings": ["a", "b", "ü"]}
    label = value("label", TensorProto.STRING, [None])
    yield "linear-classifier-strings", *single("LinearClassifier", strings, x, [label, SCORES])
    binary = {"coefficients": weights[:FEATURES], "intercepts": [0.1], "classlabels_strings": ["no", "yes"]}
    yield "linear-classifier-strings-binary", *single("LinearClassifier", binary, x, [label, SCORES])
    for name, kind, dtype in (("double", TensorProto.DOUBLE, np.float64), ("int64", TensorProto.INT64, np.int64), ("int32", TensorProto.INT32, np.int32)):
        typed = rows(72, dtype, 2.0)
        attributes = {"coefficients": weights, "intercepts": [0.1, 0.2, 0.3], "classlabels_ints": [0, 1, 2]}
        yield f"linear-classifier-input-{name}", *single("LinearClassifier", attributes, typed, [LABEL, SCORES], kind)


def preparation():
    x = rows(80)
    same = value("Y", TensorProto.FLOAT, [None, FEATURES])
    yield "scaler-per-column", *single("Scaler", {"offset": [1.0, -2.0, 0.5, 0.0], "scale": [2.0, 0.25, 1.0, -1.0]}, x, [same])
    yield "scaler-one-for-all", *single("Scaler", {"offset": [0.5], "scale": [3.0]}, x, [same])
    for name, kind, dtype in (("double", TensorProto.DOUBLE, np.float64), ("int64", TensorProto.INT64, np.int64)):
        attributes = {"offset": [0.5], "scale": [3.0]}
        yield f"scaler-input-{name}", *single("Scaler", attributes, rows(81, dtype, 3.0), [same], kind)
    zeros = x.copy()
    zeros[1] = 0.0
    zeros[2] = -np.abs(zeros[2])
    for norm in ("MAX", "L1", "L2"):
        yield f"normalizer-{norm.lower()}", *single("Normalizer", {"norm": norm}, zeros, [same])
    holes = quarters(82, True)
    yield "imputer-nan", *single("Imputer", {"imputed_value_floats": [1.0, 2.0, 3.0, 4.0], "replaced_value_float": float("nan")}, holes, [same])
    yield "imputer-value", *single("Imputer", {"imputed_value_floats": [9.0], "replaced_value_float": 0.25}, holes, [same])
    integers = rows(83, np.int64, 2.0)
    int_y = value("Y", TensorProto.INT64, [None, FEATURES])
    yield "imputer-integers", *single("Imputer", {"imputed_value_int64s": [10, 20, 30, 40], "replaced_value_int64": 1}, integers, [int_y], TensorProto.INT64)
    yield "binarizer", *single("Binarizer", {"threshold": 0.25}, quarters(84), [same])


def extractors():
    x = rows(90)
    for name, picks in (("row", np.array([[2, 0, 2]])), ("flat", np.array([1])), ("flat-two", np.array([3, 0]))):
        indices = helper.make_tensor("indices", TensorProto.INT64, picks.shape, picks.flatten())
        node = helper.make_node("ArrayFeatureExtractor", ["X", "indices"], ["Y"], domain=ML)
        yield f"extractor-{name}", model([node], [value("X", TensorProto.FLOAT, [None, FEATURES])], [Y], [indices]), {"X": x}
    classes = helper.make_tensor("classes", TensorProto.STRING, [3], [b"red", b"green", b"blue"])
    node = helper.make_node("ArrayFeatureExtractor", ["classes", "X"], ["Y"], domain=ML)
    picked = value("Y", TensorProto.STRING, [None, None])
    yield "extractor-strings", model([node], [value("X", TensorProto.INT64, [None])], [picked], [classes]), {"X": np.array([2, 0, 1, 1])}


def encoders():
    def encoder(attributes, x, kind, out):
        return single("LabelEncoder", attributes, x, [value("Y", out, [None])], kind)

    integers = np.array([3, 1, 4, 1, 5, 9], dtype=np.int64)
    floats = np.array([0.5, 1.5, np.nan, 2.5, 0.5], dtype=np.float32)
    yield "encoder-int-int", *encoder({"keys_int64s": [1, 3, 4], "values_int64s": [10, 30, 40], "default_int64": -7}, integers, TensorProto.INT64, TensorProto.INT64)
    yield "encoder-int-float", *encoder({"keys_int64s": [1, 3, 4], "values_floats": [1.5, 3.5, 4.5]}, integers, TensorProto.INT64, TensorProto.FLOAT)
    yield "encoder-int-string", *encoder({"keys_int64s": [1, 3, 4], "values_strings": ["one", "three", "four"], "default_string": "?"}, integers, TensorProto.INT64, TensorProto.STRING)
    yield "encoder-float-int", *encoder({"keys_floats": [0.5, 1.5], "values_int64s": [5, 15], "default_int64": 0}, floats, TensorProto.FLOAT, TensorProto.INT64)
    yield "encoder-nan-is-no-key", *encoder({"keys_floats": [0.5, 1.5, float("nan")], "values_floats": [5.0, 15.0, -1.0], "default_float": 2.0}, floats, TensorProto.FLOAT, TensorProto.FLOAT)
    words = np.array(["b", "a", "zebra", "é"], dtype=object)
    yield "encoder-string-int", *encoder({"keys_strings": ["a", "b", "é"], "values_int64s": [0, 1, 2], "default_int64": -1}, words, TensorProto.STRING, TensorProto.INT64)


def flows():
    """Shapes and types on the way through: integers, halves, several outputs."""
    x = rows(95)
    node = helper.make_node("Shape", ["X"], ["Y"])
    yield "shape", model([node], [value("X", TensorProto.FLOAT, [None, FEATURES])], [value("Y", TensorProto.INT64, [2])]), {"X": x}
    node = helper.make_node("Add", ["A", "B"], ["Y"])
    for name, kind, dtype in (("half", TensorProto.FLOAT16, np.float16), ("int32", TensorProto.INT32, np.int32), ("double", TensorProto.DOUBLE, np.float64)):
        pair = {"A": rows(96).astype(dtype), "B": rows(97).astype(dtype)}
        inputs = [value(it, kind, ["batch", FEATURES]) for it in pair]
        yield f"add-{name}", model([node], inputs, [value("Y", kind, ["batch", FEATURES])]), pair
    node = helper.make_node("Not", ["X"], ["Y"])
    yield "not", model([node], [value("X", TensorProto.BOOL, [None])], [value("Y", TensorProto.BOOL, [None])]), {"X": np.array([True, False, True])}


def cases():
    yield from tree_regressors()
    yield from tree_corners()
    yield from tree_classifiers()
    yield from linear()
    yield from preparation()
    yield from extractors()
    yield from encoders()
    yield from flows()
