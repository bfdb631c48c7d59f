"""How good the models are, beside the simplest rule; and that the converted ones are the trained ones."""

from typing import NamedTuple

import numpy as np
import onnxruntime
import pandas as pd
from onnx import ModelProto
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import Pipeline

from samples.flights.convert import PROBABILITY_OUTPUT, feeds
from samples.flights.data import LATE_MIN
from samples.flights.report import ConversionError, Parity, Quality

TOLERANCE = 1e-5
"""How far a converted model's probability may be from scikit-learn's."""

MAX_TIES = 0.001
"""Share of the test rows that float32 split ties may move beyond the tolerance."""


class Examples(NamedTuple):
    """Flights with what became of them: `inputs` `[rows, 13]`, `late` booleans `[rows]`."""

    inputs: pd.DataFrame
    late: np.ndarray


def quality(late: np.ndarray, probability: np.ndarray) -> Quality:
    """Both figures of probabilities `[rows]` against what happened `[rows]`."""
    return Quality(auc=float(roc_auc_score(late, probability)), log_loss=float(log_loss(late, probability)))


def rule_quality(train: Examples, test: Examples) -> Quality:
    """The rule "departed late"; the probabilities are the two frequencies seen in training."""
    departed_late = train.inputs["dep_delay"].to_numpy() > LATE_MIN
    if_late, if_not = train.late[departed_late].mean(), train.late[~departed_late].mean()
    return quality(test.late, np.where(test.inputs["dep_delay"].to_numpy() > LATE_MIN, if_late, if_not))


def converted_probability(model: ModelProto, inputs: pd.DataFrame) -> np.ndarray:
    """What onnxruntime answers: the probability of late, `[rows]`."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (probability,) = session.run([PROBABILITY_OUTPUT], feeds(inputs, [one.name for one in session.get_inputs()]))
    return np.asarray(probability)


def parity(pipeline: Pipeline, inputs: pd.DataFrame, trained: np.ndarray, converted: np.ndarray) -> Parity:
    """Trained against converted probabilities `[rows]`; raises ConversionError if they differ without excuse.

    The one excuse is a float32 split tie: scikit-learn keeps a split's threshold in float64, ONNX in float32,
    and a value between the two goes left in one and right in the other.
    """
    difference = np.abs(trained - converted)
    beyond = difference > TOLERANCE
    ties = split_ties(pipeline, inputs)
    unexplained = int((beyond & ~ties).sum())
    if unexplained or beyond.mean() > MAX_TIES:
        raise ConversionError(
            f"{int(beyond.sum())} of {len(beyond)} converted probabilities are more than {TOLERANCE:g} off, "
            f"{unexplained} of them not by a float32 split tie"
        )
    return Parity(
        rows=len(inputs),
        tolerance=TOLERANCE,
        largest_difference=float(difference.max()),
        beyond_tolerance=int(beyond.sum()),
        split_ties=int(ties.sum()),
        explanation=_explanation(pipeline, int(ties.sum())),
    )


def split_ties(pipeline: Pipeline, inputs: pd.DataFrame) -> np.ndarray:
    """Which rows `[rows]` hold a value that takes another branch once thresholds are rounded to float32."""
    ties = np.zeros(len(inputs), dtype=bool)
    classifier = pipeline[-1]
    if not isinstance(classifier, HistGradientBoostingClassifier):
        return ties
    values = np.asarray(pipeline[:-1].transform(inputs), dtype=np.float64)
    for feature, thresholds in enumerate(_thresholds(classifier, values.shape[1])):
        rounded = thresholds.astype(np.float32).astype(np.float64)
        # Rounding keeps the order, so counting the thresholds below a value tells whether any changed sides.
        ties |= np.searchsorted(thresholds, values[:, feature]) != np.searchsorted(rounded, values[:, feature])
    return ties


def _thresholds(classifier: HistGradientBoostingClassifier, features: int) -> list[np.ndarray]:
    """By feature, the thresholds of all splits, sorted; scikit-learn has no public way to read them."""
    nodes = np.concatenate([tree.nodes for (tree,) in classifier._predictors])
    splits = nodes[nodes["is_leaf"] == 0]
    return [np.unique(splits["num_threshold"][splits["feature_idx"] == one]) for one in range(features)]


def _explanation(pipeline: Pipeline, ties: int) -> str:
    if not isinstance(pipeline[-1], HistGradientBoostingClassifier):
        return "The model has no splits; what differs is float32 arithmetic."
    rows = f"{ties} test rows have" if ties else "No test row has"
    return f"{rows} a value between a split's float64 threshold and its float32 rounding."
