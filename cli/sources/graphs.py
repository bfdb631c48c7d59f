"""From a fitted scikit-learn model, or one of XGBoost or LightGBM in its manner, to an ONNX graph."""

import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final

from onnx import ModelProto, checker

_OPSETS: Final = {"": 18, "ai.onnx.ml": 3}
_UNWANTED: Final = re.compile(r"^(?=[0-9])|[^\w+]")

# Where onnxmltools has its converters, and what it calls the operators.
_BOOSTERS: Final[Mapping[str, tuple[str, str, str]]] = {
    "xgboost": ("onnxmltools.convert.xgboost.operator_converters.XGBoost", "convert_xgboost", "XGBoostXGB"),
    "lightgbm": ("onnxmltools.convert.lightgbm.operator_converters.LightGbm", "convert_lightgbm", "LightGbmLGBM"),
}
_ESTIMATORS: Final = {"xgboost": "XGB", "lightgbm": "LGBM"}


def to_graph(model: Any, name: str, inputs: Sequence[tuple[str, Any]]) -> ModelProto:
    """A valid graph; equal models give equal ones. `inputs`: skl2onnx's types by name, whose first dimension is None.

    The outputs are skl2onnx's: `label` and `probabilities` of a classifier, `variable` of a regressor.
    Raises what skl2onnx and `onnx.checker` raise.
    """
    for library in _BOOSTERS.keys() & sys.modules.keys():  # a model of theirs cannot have been loaded without
        _register(library)
    from skl2onnx import to_onnx

    with warnings.catch_warnings():
        # skl2onnx 1.20 hands protobuf booleans for integers; protobuf 7.34 will refuse them.
        warnings.filterwarnings("ignore", message="Field onnx.AttributeProto.ints: Expected an int, got a boolean")
        graph: ModelProto = to_onnx(
            model, name=name, initial_types=list(inputs), options=_options(model), target_opset=_OPSETS
        )
    # skl2onnx lists the operator sets in a set's order, which changes from process to process.
    opsets = sorted(graph.opset_import, key=lambda one: one.domain)
    del graph.opset_import[:]
    graph.opset_import.extend(opsets)
    _name_inputs(graph, [name for name, _ in inputs])
    checker.check_model(graph, full_check=True)
    return graph


def _name_inputs(graph: ModelProto, wanted: Sequence[str]) -> None:
    """skl2onnx writes `petal_length__cm_` for `petal length (cm)`, which is what callers send."""
    names = {_UNWANTED.sub("_", name): name for name in wanted}
    if len(names) < len(wanted):
        raise ValueError("two of its columns have names that differ in signs only: rename one")
    renamed = {each.name: names.get(each.name, each.name) for each in graph.graph.input}
    for each in graph.graph.input:
        each.name = renamed[each.name]
    for node in graph.graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]


def _options(model: Any) -> dict[str, bool] | None:
    """Probabilities as one matrix, not as a list of dictionaries. What has none knows no such option."""
    return {"zipmap": False} if hasattr(model, "predict_proba") else None


@cache
def _register(library: str) -> None:
    """Source: https://onnx.ai/sklearn-onnx/auto_tutorial/plot_gexternal_xgboost.html and …_lightgbm.html"""
    from skl2onnx import update_registered_converter
    from skl2onnx.common import shape_calculator

    module, function, operator = _BOOSTERS[library]
    converter = getattr(import_module(module), function)
    estimators = import_module(library)
    update_registered_converter(
        getattr(estimators, f"{_ESTIMATORS[library]}Classifier"),
        f"{operator}Classifier",
        shape_calculator.calculate_linear_classifier_output_shapes,
        converter,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        getattr(estimators, f"{_ESTIMATORS[library]}Regressor"),
        f"{operator}Regressor",
        shape_calculator.calculate_linear_regressor_output_shapes,
        converter,
        options={"split": None} if library == "lightgbm" else None,
    )
