"""One training from the flights to MLflow models and their figures."""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from onnx import ModelProto
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # it publishes no types

from samples.flights import carriers, convert, data, evaluate
from samples.flights.evaluate import Examples
from samples.flights.pipelines import PIPELINES
from samples.flights.report import Report, Rows, Trained
from samples.flights.steps import Steps

LAST_TRAINING_MONTH: Final = 9
_SAMPLE_SEED = 2013


def train(models: Path, sample: int | None, digest: str, steps: Steps) -> Report:
    """Writes `models`/blue, `models`/green and the package `models`/carriers, and returns the report.

    `sample` takes that many of the labelled flights instead of all. Raises ConversionError if a converted
    model does not predict what the trained one does.
    """
    with steps.step("read the flights"):
        flights = data.load()
        train_set, test_set = split(flights, sample)
    trained, graphs = {}, {}
    for name in PIPELINES:
        trained[name], graphs[name] = _train_one(name, train_set, test_set, steps)
        with steps.step(f"save {name}"):
            convert.save(graphs[name], flights[list(data.INPUTS)].head(1), models / name)
    with steps.step("train, convert, test and save one model a carrier"):
        by_carrier = carriers.train(models / "carriers", train_set, test_set, graphs["blue"])
    return Report(
        sources=digest,
        sample=sample,
        rows=_rows(flights, train_set, test_set),
        rule=evaluate.rule_quality(train_set, test_set),
        models=trained,
        by_carrier=by_carrier,
        seconds=steps.seconds,
    )


def split(flights: pd.DataFrame, sample: int | None) -> tuple[Examples, Examples]:
    """January to September to train on, October to December to test on; only flights with a label."""
    known = data.labelled(flights)
    if sample is not None:
        known = known.sample(min(sample, len(known)), random_state=_SAMPLE_SEED).sort_index()
    early = known["month"] <= LAST_TRAINING_MONTH
    return _examples(known[early]), _examples(known[~early])


def _examples(flights: pd.DataFrame) -> Examples:
    return Examples(data.inputs(flights), flights[data.LABEL].to_numpy(dtype=bool))


def fit(name: str, examples: Examples) -> Pipeline:
    """The pipeline of that name, trained; the same examples give the same model on any number of cores."""
    with threadpool_limits(1):  # sums made in parallel differ in their last bits with the number of threads
        return PIPELINES[name]().fit(examples.inputs, examples.late.astype(np.int64))


def _train_one(name: str, train_set: Examples, test_set: Examples, steps: Steps) -> tuple[Trained, ModelProto]:
    with steps.step(f"train {name}"):
        pipeline = fit(name, train_set)
    with steps.step(f"convert {name}"):
        graph = convert.onnx_model(pipeline, f"flight_delay_{name}")
    with steps.step(f"test {name}"):
        trained = pipeline.predict_proba(test_set.inputs)[:, 1]
        converted = evaluate.converted_probability(graph, test_set.inputs)
        parity = evaluate.parity(pipeline, test_set.inputs, trained, converted)
        quality = evaluate.quality(test_set.late, trained)
    return Trained(algorithm=PIPELINES[name].__name__.replace("_", " "), quality=quality, parity=parity), graph


def _rows(flights: pd.DataFrame, train_set: Examples, test_set: Examples) -> Rows:
    never_left = len(data.never_left(flights))
    return Rows(
        read=len(flights),
        never_left=never_left,
        left_without_arrival=len(flights) - len(data.labelled(flights)) - never_left,
        train=len(train_set.late),
        test=len(test_set.late),
    )
