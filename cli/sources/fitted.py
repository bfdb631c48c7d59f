"""A model that was logged with MLflow's sklearn, xgboost or lightgbm flavor: what it is, and what it predicts."""

from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import yaml

from cli.sources.agreement import LABEL, PROBABILITIES, VARIABLE
from shared.errors import MalformedRequest
from shared.models.mlmodel import describe
from shared.models.signature import Array, Signature

FLAVORS: Final = ("xgboost", "lightgbm", "sklearn")


class Fitted(NamedTuple):
    """`written`: its MLmodel; `example`: rows that were logged with it, a DataFrame or an array, or None."""

    estimator: Any
    signature: Signature
    written: dict[str, Any]
    example: Any


def load(folder: Path) -> Fitted:
    """Runs what its author pickled, as any use of such a model does.

    Raises MalformedRequest when it is of another flavor, lacks a signature, or cannot be loaded here.
    """
    signature = describe(folder, "model", "1").signature
    written: dict[str, Any] = yaml.safe_load((folder / "MLmodel").read_text())
    flavor = next((each for each in FLAVORS if each in written["flavors"]), None)
    if flavor is None:
        raise MalformedRequest(
            f"{folder.name} cannot be converted: it has none of the flavors {', '.join(FLAVORS)}; publish it as it is"
        )
    if not signature.columns and not signature.tensors:
        raise MalformedRequest(f"{folder.name} cannot be converted without a signature: log it with one")
    try:
        estimator = import_module(f"mlflow.{flavor}").load_model(str(folder))
        example = import_module("mlflow.models").Model.load(str(folder)).load_input_example(str(folder))
    except Exception as error:
        said = " ".join(str(error).split())[:300]
        raise MalformedRequest(
            f"{folder.name} cannot be loaded here, install what its requirements.txt names: {said}"
        ) from error
    return Fitted(estimator, signature, written, example)


def outputs(estimator: Any, rows: Any) -> dict[str, Array]:
    """What the graph's outputs of these names ought to be: see `agreement.compare`.

    Raises MalformedRequest for what is neither a classifier nor a regressor, and what the model itself raises.
    """
    from sklearn.base import BaseEstimator, is_classifier, is_regressor

    is_known = isinstance(estimator, BaseEstimator) and (is_classifier(estimator) or is_regressor(estimator))
    if not is_known:
        raise MalformedRequest(
            f"{type(estimator).__name__} is neither a classifier nor a regressor in scikit-learn's manner, "
            "and cannot be converted: publish it as it is"
        )
    predicted = np.asarray(estimator.predict(rows))
    if is_regressor(estimator):
        return {VARIABLE: predicted}
    if predicted.ndim > 1 and predicted.shape[1] > 1:
        raise MalformedRequest("a classifier with several targets cannot be converted: publish it as it is")
    if not hasattr(estimator, "predict_proba"):
        return {LABEL: predicted}
    return {LABEL: predicted, PROBABILITIES: np.asarray(estimator.predict_proba(rows))}
