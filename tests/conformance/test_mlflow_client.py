"""MLflow's ScoringServerClient. It sends no token and calls no path: a loopback proxy adds both."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc.scoring_server import client as scoring_client

from tests.conformance import tensors
from tests.conformance.handover import Handover, Sample
from tests.conformance.proxy import Proxy

type Find = Callable[[str], Sample]
type Connect = Callable[[str], Any]
ScoringServerClient: Any = scoring_client.ScoringServerClient


@pytest.fixture
def connect(told: Handover) -> Iterator[Connect]:
    """A client of one endpoint."""
    proxies: list[Proxy] = []

    def to(endpoint: str) -> Any:
        proxies.append(Proxy(f"{told.url}/endpoints/{endpoint}", token=told.token).__enter__())
        return ScoringServerClient("127.0.0.1", proxies[-1].port)

    yield to
    for proxy in proxies:
        proxy.__exit__()


def oracle(told: Handover, endpoint: str) -> Any:
    parts = urlsplit(told.oracles[endpoint])
    return ScoringServerClient(parts.hostname, parts.port)


def frame(sample: Sample) -> pd.DataFrame:
    return pd.DataFrame(sample.data, columns=sample.columns)


def test_ping_version_and_waiting(connect: Connect, told: Handover) -> None:
    client = connect("iris-columns")
    client.ping()
    client.wait_server_ready(timeout=10)
    assert client.get_version() == oracle(told, "iris-columns").get_version()


def test_a_data_frame(connect: Connect, told: Handover, sample: Find) -> None:
    known = sample("iris-columns")
    here = connect("iris-columns").invoke(frame(known)).get_predictions("dataframe")
    there = oracle(told, "iris-columns").invoke(frame(known)).get_predictions("dataframe")
    pd.testing.assert_frame_equal(here, there)
    tensors.check(known, "variable", here["variable"].to_numpy())


def test_a_data_frame_in_which_an_optional_value_is_missing(connect: Connect, told: Handover, sample: Find) -> None:
    """This client writes pandas' NaN as it is, into what is then no JSON. It counts as null, as it does there."""
    holed = frame(sample("iris-columns")).assign(petal_width=[0.2, np.nan, 2.3])
    here = connect("iris-columns").invoke(holed).get_predictions("dataframe")
    there = oracle(told, "iris-columns").invoke(holed).get_predictions("dataframe")
    pd.testing.assert_frame_equal(here, there)


def test_rows_as_a_list_of_objects(connect: Connect, told: Handover, sample: Find) -> None:
    records = frame(sample("iris-columns")).to_dict("records")
    here = connect("iris-columns").invoke(records).get_predictions("dataframe")
    pd.testing.assert_frame_equal(here, oracle(told, "iris-columns").invoke(records).get_predictions("dataframe"))


def test_a_document_of_the_caller_s_own(connect: Connect, told: Handover, sample: Find) -> None:
    document = '{"dataframe_split": ' + frame(sample("iris-columns")).to_json(orient="split") + "}"
    here = connect("iris-columns").invoke(document).get_predictions("dataframe")
    pd.testing.assert_frame_equal(here, oracle(told, "iris-columns").invoke(document).get_predictions("dataframe"))


def test_an_array(connect: Connect, told: Handover, sample: Find) -> None:
    known = sample("iris-tensor")
    array = np.array(known.data, np.float32)
    here = connect("iris-tensor").invoke(array)
    there = oracle(told, "iris-tensor").invoke(array)
    assert here["predictions"].keys() == there["predictions"].keys()
    for output in known.outputs:
        tensors.check(known, output, np.array(here["predictions"][output]))


def test_a_frame_without_a_signature(connect: Connect, told: Handover, sample: Find) -> None:
    known = sample("iris-plain")
    here = connect("iris-plain").invoke(frame(known)).get_predictions("ndarray")
    there = oracle(told, "iris-plain").invoke(frame(known)).get_predictions("ndarray")
    assert here.tolist() == there.tolist() == known.outputs[""]


def test_parameters(connect: Connect, told: Handover, sample: Find) -> None:
    rows = frame(sample("iris-params"))
    here = connect("iris-params").invoke(rows, params={"factor": 3.0}).get_predictions("ndarray", "float64")
    there = oracle(told, "iris-params").invoke(rows, params={"factor": 3.0}).get_predictions("ndarray", "float64")
    assert here.tolist() == pytest.approx(there.tolist())


def test_an_error_shows_the_server_s_message(connect: Connect, sample: Find) -> None:
    with pytest.raises(Exception, match=r"error code 400.*sepal_width"):
        connect("iris-columns").invoke(frame(sample("iris-columns")).drop(columns="sepal_width"))


def test_an_endpoint_that_is_not_there(connect: Connect) -> None:
    with pytest.raises(Exception, match="error code 404"):
        connect("orchids").invoke(pd.DataFrame({"a": [1]}))
