"""One model a carrier, in one package: what a deployment of many models is made of."""

from pathlib import Path
from typing import Final

import numpy as np
import yaml
from onnx import ModelProto
from threadpoolctl import threadpool_limits

from samples.flights import convert, evaluate
from samples.flights.data import STRINGS
from samples.flights.evaluate import Examples
from samples.flights.pipelines import logistic_regression
from samples.flights.report import ByCarrier

MIN_FLIGHTS: Final = 1_000
"""With fewer to train on, a carrier has no model of its own."""

DEFAULT: Final = "default"
"""The model of all other carriers: the one of all flights, which takes the carrier as an input."""

_PREFETCH: Final = ("UA", "B6")
_STRINGS: Final = tuple(name for name in STRINGS if name != "carrier")


def train(folder: Path, train_set: Examples, test_set: Examples, of_all: ModelProto) -> ByCarrier:
    """Writes the package into `folder`: `segments.yaml`, and `models`/UA and so on.

    All models have one signature, with the carrier in it, by which the service picks the model; only the default one
    takes it as an input. Raises ConversionError as `training.train` does.
    """
    flights = train_set.inputs["carrier"].value_counts()
    own = sorted(str(carrier) for carrier in flights.index[flights >= MIN_FLIGHTS])
    convert.save(of_all, train_set.inputs.head(1), folder / "models" / DEFAULT)
    probability = evaluate.converted_probability(of_all, test_set.inputs)
    differences = [0.0]
    for carrier in own:
        tested = of(test_set, carrier)
        known = of(train_set, carrier)
        with threadpool_limits(1):
            pipeline = logistic_regression(_STRINGS).fit(known.inputs, known.late.astype(np.int64))
        graph = convert.onnx_model(pipeline, f"flight_delay_{carrier}", _STRINGS)
        convert.save(graph, known.inputs.head(1), folder / "models" / carrier)
        if len(tested.late):
            trained = pipeline.predict_proba(tested.inputs)[:, 1]
            converted = evaluate.converted_probability(graph, tested.inputs)
            differences.append(evaluate.parity(pipeline, tested.inputs, trained, converted).largest_difference)
            probability[test_set.inputs["carrier"] == carrier] = converted
    segments = {
        "segment_columns": ["carrier"],
        "fallback": [DEFAULT],
        "prefetch": [carrier for carrier in _PREFETCH if carrier in own],
    }
    (folder / "segments.yaml").write_text(yaml.safe_dump(segments, sort_keys=False))
    quality = evaluate.quality(test_set.late, probability)
    return ByCarrier(own=own, quality=quality, largest_difference=max(differences))


def of(examples: Examples, carrier: str) -> Examples:
    """Those of one carrier."""
    its = (examples.inputs["carrier"] == carrier).to_numpy()
    return Examples(examples.inputs[its], examples.late[its])
