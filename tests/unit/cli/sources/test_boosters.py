"""Real XGBoost and LightGBM models as graphs that answer alike."""

from pathlib import Path
from typing import Any

import pytest
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier, XGBRegressor

from cli.sources.conversion import convert
from cli.sources.quiet import quiet
from shared.errors import MalformedRequest
from tests.unit.cli.sources.stores import save_sklearn
from tests.unit.cli.sources.test_conversion import DIABETES, IRIS, flights

FEW: Any = {"n_estimators": 10, "random_state": 0}


def save(flavor: str, folder: Path, model: Any, rows: Any) -> Path:
    """With the library's own flavor."""
    with quiet():
        import mlflow
        from mlflow.models import infer_signature

        signature = infer_signature(rows, model.predict(rows))
        getattr(mlflow, flavor).save_model(
            model, folder, signature=signature, input_example=rows.head(3), pip_requirements=[flavor]
        )
    return folder


@pytest.mark.parametrize(
    ("flavor", "classifier", "regressor"),
    [
        ("xgboost", XGBClassifier(**FEW), XGBRegressor(**FEW)),
        ("lightgbm", LGBMClassifier(**FEW, verbose=-1), LGBMRegressor(**FEW, verbose=-1)),
    ],
)
def test_a_boosted_model_answers_like_the_original(
    tmp_path: Path, flavor: str, classifier: Any, regressor: Any
) -> None:
    species = save(flavor, tmp_path / "iris", classifier.fit(IRIS.data, IRIS.target), IRIS.data)
    agreement = convert(species, tmp_path / "into", sample=IRIS.data).agreement
    assert (agreement.rows, [each.output for each in agreement.differences]) == (153, ["label", "probabilities"])
    progress = save(flavor, tmp_path / "diabetes", regressor.fit(DIABETES.data, DIABETES.target), DIABETES.data)
    assert convert(progress, tmp_path / "into", sample=DIABETES.data).agreement.holds


def dense(is_dense: bool, model: Any) -> Any:
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=not is_dense)
    columns = make_column_transformer(
        (texts, ["carrier", "origin"]), ("passthrough", ["distance"]), sparse_threshold=0.0 if is_dense else 1.0
    )
    return make_pipeline(columns, model)


@pytest.mark.parametrize("model", [XGBClassifier(**FEW), LGBMClassifier(**FEW, verbose=-1)])
def test_a_boosted_model_at_the_end_of_a_pipeline_is_converted(tmp_path: Path, model: Any) -> None:
    rows, late = flights()
    with quiet():  # LightGBM has no names for the columns that a pipeline hands on
        fitted = dense(True, model).fit(rows, late)
    folder = save_sklearn(tmp_path / "late", fitted, rows)
    assert convert(folder, tmp_path / "into", sample=rows).agreement.holds


def test_what_xgboost_makes_of_sparse_zeros_is_refused_with_the_reason(tmp_path: Path) -> None:
    rows, late = flights()
    folder = save_sklearn(tmp_path / "late", dense(False, XGBClassifier(**FEW)).fit(rows, late), rows)
    with pytest.raises(MalformedRequest, match="XGBoost takes the zeros of a sparse matrix for missing values"):
        convert(folder, tmp_path / "into", sample=rows)


def test_a_model_of_xgboosts_own_interface_is_refused(tmp_path: Path) -> None:
    booster = XGBClassifier(**FEW).fit(IRIS.data, IRIS.target).get_booster()
    with quiet():
        import mlflow.xgboost
        from mlflow.models import infer_signature

        mlflow.xgboost.save_model(
            booster, tmp_path / "own", signature=infer_signature(IRIS.data), pip_requirements=["xgboost"]
        )
    with pytest.raises(MalformedRequest, match="Booster is neither a classifier nor a regressor in scikit-learn's"):
        convert(tmp_path / "own", tmp_path / "into", sample=IRIS.data)
