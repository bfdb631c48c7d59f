"""The models as scikit-learn pipelines: strings and numbers go in as columns, probabilities come out.

blue is a logistic regression, green a histogram gradient boosting. Every step is one that skl2onnx converts.
Settings were chosen by training on January to June and testing on July to September; later months had no say.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from samples.flights.data import NUMBERS, STRINGS

_SEED = 2013


def logistic_regression(strings: Sequence[str] = STRINGS) -> Pipeline:
    """Missing numbers become the median; a carrier or airport never seen in training weighs nothing."""
    # Of some carriers no aircraft is in the register: a column without any number is 0, and weighs nothing.
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    numbers = Pipeline([("impute", impute), ("scale", StandardScaler())])
    columns = ColumnTransformer(
        [
            ("strings", OneHotEncoder(handle_unknown="ignore"), list(strings)),
            ("numbers", numbers, list(NUMBERS)),
        ]
    )
    return Pipeline([("columns", columns), ("classifier", LogisticRegression(max_iter=500))])


def gradient_boosting() -> Pipeline:
    """Missing numbers take the branch that training chose for them; unknown strings are the code -1."""
    strings = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, dtype=np.float32)
    columns = ColumnTransformer([("strings", strings, list(STRINGS)), ("numbers", "passthrough", list(NUMBERS))])
    # Without early stopping: what it holds out is drawn from the same days, and says nothing of later ones.
    classifier = HistGradientBoostingClassifier(
        max_iter=100,
        min_samples_leaf=200,
        l2_regularization=10.0,
        max_features=0.5,
        early_stopping=False,
        random_state=_SEED,
    )
    return Pipeline([("columns", columns), ("classifier", classifier)])


PIPELINES: Mapping[str, Callable[[], Pipeline]] = {"blue": logistic_regression, "green": gradient_boosting}
"""By deployment name."""
