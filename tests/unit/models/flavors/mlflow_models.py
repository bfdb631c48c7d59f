"""Real MLflow models, saved as people save them."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np


def save_pipeline(folder: Path) -> None:
    """scikit-learn on a text column and a number; one named output."""
    import pandas as pd
    from mlflow.types import ColSpec, Schema
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = pd.DataFrame({"carrier": ["AA", "UA", "AA", "DL"], "distance": [1.0, 2.0, 3.0, 4.0]})
    encoder = ColumnTransformer([("carrier", OneHotEncoder(), ["carrier"])], remainder="passthrough")
    model = make_pipeline(encoder, LinearRegression()).fit(frame, [1.0, 2.0, 3.0, 4.0])
    inputs = Schema([ColSpec("string", "carrier"), ColSpec("double", "distance")])
    _save_sklearn(model, folder, inputs, Schema([ColSpec("double", "delay")]))


def save_forest(folder: Path) -> None:
    """A random forest that takes one tensor; its output has no name."""
    from mlflow.types import Schema, TensorSpec
    from sklearn.ensemble import RandomForestClassifier

    rows = np.array([[0.0, 0.0], [1.0, 1.0]] * 10)
    model = RandomForestClassifier(n_estimators=3, random_state=0).fit(rows, [0, 1] * 10)
    inputs = Schema([TensorSpec(np.dtype(np.float64), (-1, 2))])
    _save_sklearn(model, folder, inputs, Schema([TensorSpec(np.dtype(np.int64), (-1,))]))


def _save_sklearn(model: Any, folder: Path, inputs: Any, outputs: Any) -> None:
    import mlflow.sklearn
    from mlflow.models import ModelSignature

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.sklearn.save_model(
            model,
            folder,
            signature=ModelSignature(inputs, outputs),
            serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"],
        )


def save_odd(folder: Path) -> None:
    """Python code with params, that answers in every way that MLflow's models do: `kind` says which."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    params = ParamSchema([ParamSpec("kind", "string", "array"), ParamSpec("factor", "double", 2.0)])
    signature = ModelSignature(Schema([ColSpec("double", "x")]), params=params)
    _save_code(ODD, folder, signature)


def save_unsigned(folder: Path) -> None:
    """Python code that tells of what type its input came."""
    _save_code(UNSIGNED, folder, None)


def _save_code(code: str, folder: Path, signature: Any) -> None:
    file = folder.with_suffix(".py")
    file.write_text(code)
    with warnings.catch_warnings(record=True, action="ignore"):  # MLflow switches some on that were switched off
        import mlflow.pyfunc

        mlflow.pyfunc.save_model(folder, python_model=str(file), signature=signature, pip_requirements=["pandas"])


ODD = """
import mlflow, numpy as np, pandas as pd

class Odd(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        x = model_input["x"].to_numpy() * params["factor"]
        kinds = {
            "array": lambda: x,
            "column": lambda: x.reshape(-1, 1),
            "grid": lambda: np.stack([x, -x], axis=1),
            "list": lambda: x.tolist(),
            "nested": lambda: [[v, v] for v in x.tolist()],
            "ragged": lambda: [["a"] * n for n, _ in enumerate(x)],
            "frame": lambda: pd.DataFrame({"a": x, "b": ["t"] * len(x)}),
            "series": lambda: pd.Series(x),
            "named": lambda: pd.Series(x, name="own"),
            "dict": lambda: {"low": x - 1, "high": [v + 1 for v in x]},
            "texts": lambda: np.array(["ü"] * len(x)),
            "missing": lambda: pd.DataFrame({"n": pd.array([1, None], "Int64"), "s": ["t", None]}),
            "objects": lambda: [{"box": [1, 2.5], "label": None}] * len(x),
            "bytes": lambda: [b"\\x00\\xff"] * len(x),
        }
        if params["kind"] == "one":
            return float(x[0])
        return kinds[params["kind"]]()

mlflow.models.set_model(Odd())
"""

UNSIGNED = """
import mlflow, numpy as np

class Unsigned(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        if isinstance(model_input, dict):
            told = " ".join(f"{name}{value.shape}" for name, value in sorted(model_input.items()))
            return [told] * len(next(iter(model_input.values())))
        if isinstance(model_input, np.ndarray):
            return [f"array{model_input.shape}"] * len(model_input)
        return [" ".join(f"{name}:{dtype}" for name, dtype in model_input.dtypes.items())] * len(model_input)

mlflow.models.set_model(Unsigned())
"""
