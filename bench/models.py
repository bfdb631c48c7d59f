"""The models of the benchmark: real data, of the sizes that teams serve."""

import hashlib
import json
import os
import shutil
import warnings
from pathlib import Path
from typing import Any, Final

OUT: Final = Path("build/bench/models")
FEATURES: Final = 30
COLUMNS: Final = [f"feature_{number:02}" for number in range(FEATURES)]
_STAMP: Final = OUT / "made.json"
_OPSETS: Final = {"": 18, "ai.onnx.ml": 3}


def ensure_made() -> None:
    """Makes MLflow model folders in `OUT`, unless they were made by this very code: `rows` with a tensor signature,
    `columns` the same graph with thirty columns, `forest`, and `heavy` with columns."""
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    if _STAMP.is_file() and json.loads(_STAMP.read_text()) == digest:
        return
    # Set before the imports: neither library is to tell anybody of this.
    os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "ORT_DISABLE_TELEMETRY": "1"})
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _save_rows(OUT / "rows", OUT / "columns")
        _save_forest(OUT / "forest")
        _save_heavy(OUT / "heavy")
    _STAMP.write_text(json.dumps(digest))


def rows(count: int) -> list[list[float]]:
    """Tumours of the Wisconsin data set, `[count][30]`."""
    from sklearn.datasets import load_breast_cancer

    features: Any = load_breast_cancer().data
    return [[float(value) for value in features[row]] for row in range(count)]


def _data() -> tuple[Any, Any]:
    from sklearn.datasets import load_breast_cancer

    features, benign = load_breast_cancer(return_X_y=True)
    return features.astype("float32"), benign


def _signature(dtype: str, shape: tuple[int, ...]) -> Any:
    """One tensor without a name: MLflow hands a model the array itself then, and not a dictionary."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    inputs = Schema([TensorSpec(np.dtype(np.float32), (-1, FEATURES))])
    return ModelSignature(inputs=inputs, outputs=Schema([TensorSpec(np.dtype(dtype), (-1, *shape))]))


def _save_rows(folder: Path, columns_folder: Path) -> None:
    """Gradient boosting, 100 trees, one output: `probabilities` `[rows, 2]`; for tables `p` `[rows]`."""
    import mlflow.onnx
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from onnx import TensorProto, helper
    from skl2onnx import to_onnx
    from sklearn.ensemble import GradientBoostingClassifier

    features, benign = _data()
    model = GradientBoostingClassifier(n_estimators=100, random_state=0).fit(features, benign)
    graph = to_onnx(model, features[:1], options={"zipmap": False}, target_opset=_OPSETS)
    probabilities = next(output for output in graph.graph.output if output.name == "probabilities")
    del graph.graph.output[:]
    graph.graph.output.append(probabilities)
    # Two threads that wait for each other in a loop would cost MLflow's server more than the model does.
    stored = {"save_as_external_data": False, "onnx_session_options": {"intra_op_num_threads": 1}}
    mlflow.onnx.save_model(graph, folder, signature=_signature("float32", (2,)), **stored)
    # MLflow's own server makes a table of a table's outputs, so each must be one value a row.
    graph.graph.node.append(helper.make_node("ReduceMax", ["probabilities", "last"], ["p"], keepdims=0))
    graph.graph.initializer.append(helper.make_tensor("last", TensorProto.INT64, [1], [1]))
    del graph.graph.output[:]
    graph.graph.output.append(helper.make_tensor_value_info("p", TensorProto.FLOAT, [None]))
    schema = Schema([ColSpec("double", name) for name in COLUMNS])
    signature = ModelSignature(inputs=schema, outputs=Schema([ColSpec("float", "p")]))
    mlflow.onnx.save_model(graph, columns_folder, signature=signature, **stored)


def _save_forest(folder: Path) -> None:
    """A random forest of 500 trees as scikit-learn runs it, which costs a row what it costs a hundred."""
    import mlflow.sklearn
    from sklearn.ensemble import RandomForestClassifier

    features, benign = _data()
    model = RandomForestClassifier(n_estimators=500, random_state=0, n_jobs=1).fit(features, benign)
    mlflow.sklearn.save_model(
        model,
        folder,
        signature=_signature("int64", ()),
        pip_requirements=[],
        # Made here a moment ago: its trees can be trusted.
        skops_trusted_types=["sklearn.tree._tree.Tree"],
    )


def _save_heavy(folder: Path) -> None:
    """A random forest of 3,000 trees in ONNX, which takes more than a second for 20,000 rows on one thread."""
    import mlflow.onnx
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    features, benign = _data()
    forest = RandomForestClassifier(n_estimators=3000, random_state=0, n_jobs=2)
    model = make_pipeline(make_column_transformer(("passthrough", list(range(FEATURES)))), forest).fit(features, benign)
    inputs = [(name, FloatTensorType([None, 1])) for name in COLUMNS]
    graph = to_onnx(model, initial_types=inputs, options={"zipmap": False}, target_opset=_OPSETS)
    schema = Schema([ColSpec("double", name) for name in COLUMNS])
    signature = ModelSignature(inputs=schema, outputs=Schema([ColSpec("long", "label")]))
    mlflow.onnx.save_model(graph, folder, signature=signature, save_as_external_data=False)
