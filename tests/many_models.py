"""Twelve thousand models on real data published as one package, from a folder and from a registry: `make many`.

One linear model of how likely a flight arrives late, by carrier, destination, month and hour: scikit-learn's, converted
to ONNX. The commands are the command line's own, on the whole app and Azurite. Ends with 1 where an answer is not its
model's, where a publish without changes uploads anything, or where one of a hundredth of the models uploads more.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import requests
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LinearRegression

from cli.app import main as slipway
from cli.sources import onnx_folder
from cli.sources.onnx_folder import WrittenSignature
from cli.sources.quiet import quiet
from devhost.stack import Stack
from samples.flights import data
from samples.flights.local import make_stack, storage, token, write_profile
from shared.auth.access import Role
from shared.models.segments import key_of

_COLUMNS: Final = ("carrier", "dest", "month", "hour")
_INPUTS: Final = ("dep_delay", "weekday")
_FEWEST: Final = 3
_SCORED: Final = 100
_SIGNATURE: Final = WrittenSignature([{"type": "float", "name": name} for name in _INPUTS], [])
_TOLERANCE: Final = 1e-4


class Model(NamedTuple):
    """`values`: of the columns that pick it; `rows`: `[rows, inputs]` it was fitted to, with what it says of them."""

    values: tuple[str, ...]
    graph: bytes
    rows: Any
    answers: Any

    @property
    def key(self) -> str:
        return key_of(self.values)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.many_models")
    parser.add_argument("--models", type=int, default=12_000)
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
        with _timed(f"fit, convert and write {asked.models:,} models"):
            models = [*_fitted(asked.models)]
            for each in models:
                _write(folder / "models" / each.key, each)
        stack = make_stack(folder / "stack")
        with stack:
            write_profile(stack, folder / "slipway.yaml")
            os.chdir(folder)
            problems = [*_from_folder(folder, stack, models), *_from_registry(folder, stack, models)]
    print("\n".join(problems) or "all is as it should be")
    return 1 if problems else 0


def _fitted(count: int) -> Iterator[Model]:
    flights = data.labelled(data.load()).dropna(subset=[*_INPUTS])
    groups = flights.groupby(list(_COLUMNS), sort=True)
    known = [(values, rows) for values, rows in groups if len(rows) >= _FEWEST][:count]
    if len(known) < count:
        raise SystemExit(f"there are only {len(known)} segments with {_FEWEST} flights")
    for values, rows in known:
        yield _fit(tuple(map(str, values)), rows)


def _fit(values: tuple[str, ...], flights: Any) -> Model:
    rows = flights[list(_INPUTS)].to_numpy(np.float32)
    model = LinearRegression().fit(rows, flights[data.LABEL].astype(np.float32))
    kind = FloatTensorType([None, len(_INPUTS)])
    graph = to_onnx(model, initial_types=[("inputs", kind)], target_opset=18).SerializeToString(deterministic=True)
    return Model(values, graph, rows, model.predict(rows))


def _write(folder: Path, model: Model) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    onnx_folder.write(folder, model.graph, _SIGNATURE, {})


def _from_folder(folder: Path, stack: Stack, models: Sequence[Model]) -> Iterator[str]:
    _endpoint_file(folder, "many-folder", "./models")
    with _timed("publish them from a folder"):
        yield from _publish()
    yield from _answers(stack, "many-folder", models)
    before = _count(stack)
    with _timed("publish again, nothing changed"):
        yield from _publish()
    if _count(stack) != before:
        yield f"a publish without changes has uploaded {_count(stack) - before} files"
    changed = len(models) // 100
    for one, other in zip(models[:changed], models[-changed:], strict=True):
        _write(folder / "models" / one.key, other)
    with _timed(f"publish again, {changed} changed"):
        yield from _publish()
    if _count(stack) - before > 2 * changed + 1:
        yield f"{changed} changed models have uploaded {_count(stack) - before} files"


def _from_registry(folder: Path, stack: Stack, models: Sequence[Model]) -> Iterator[str]:
    """A database as a registry; the files lie beside it."""
    os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{folder}/mlflow.db"
    with quiet(), _timed("register them with their tags"):
        import mlflow

        client = mlflow.MlflowClient(os.environ["MLFLOW_TRACKING_URI"])
        for number, each in enumerate(models):
            _register(client, f"late-{number}", folder / "models" / each.key, each)
    _endpoint_file(folder, "many-registry", '"models:/*?solution=late"')
    with _timed("publish them from a registry"):
        yield from _publish()
    before = _count(stack)
    with quiet():
        for one, other in zip(models[:10], models[10:20], strict=True):
            _write(folder / "anew" / one.key, other)
            _register(client, f"late-{models.index(one)}", folder / "anew" / one.key, one, is_new=False)
    with _timed("publish again, 10 have a new version"):
        yield from _publish()
    if _count(stack) - before > 21:
        yield f"10 new versions have uploaded {_count(stack) - before} files"


def _register(client: Any, name: str, folder: Path, model: Model, *, is_new: bool = True) -> None:
    if is_new:
        client.create_registered_model(name)
    tags = {"solution": "late", **dict(zip(_COLUMNS, model.values, strict=True))}
    client.create_model_version(name, folder.as_uri(), tags=tags)


def _endpoint_file(folder: Path, name: str, model: str) -> None:
    text = f"name: {name}\ndeployments:\n  blue: {{model: {model}}}\ntraffic: {{blue: 100}}\n"
    (folder / "endpoint.yaml").write_text(text)


def _publish() -> Iterator[str]:
    if code := slipway(["publish", "--partition-by", ",".join(_COLUMNS)]):
        yield f"publish has ended with {code}"


def _answers(stack: Stack, name: str, models: Sequence[Model]) -> Iterator[str]:
    """Of models from all over the package, in one request."""
    asked = models[:: max(1, len(models) // _SCORED)]
    table = {"columns": [*_COLUMNS, *_INPUTS], "data": [[*each.values, *each.rows[0].tolist()] for each in asked]}
    reply = requests.post(
        f"{stack.url}/endpoints/{name}/score",
        json={"input_data": table},
        headers={"Authorization": f"Bearer {token(stack, [Role.SCORE])}"},
        timeout=60,
    )
    if not reply.ok:
        yield f"scoring is refused: {reply.text}"
        return
    furthest = max(abs(got - each.answers[0]) for got, each in zip(reply.json(), asked, strict=True))
    print(f"{len(asked)} rows, each of another model, differ from scikit-learn's answers by {furthest:.1e} at most")
    if furthest > _TOLERANCE:
        yield "the answers are not those of the models"


def _count(stack: Stack) -> int:
    """Files in the container of models, but for package.json."""
    with storage(stack) as account:
        names = account.get_container_client("models").list_blob_names()
        return sum(not name.endswith("/package.json") for name in names)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started, cpu = time.perf_counter(), time.process_time()
    yield
    seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    print(f"{what}: {seconds:.0f} s, {spent:.0f} s of this process' CPU", file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
