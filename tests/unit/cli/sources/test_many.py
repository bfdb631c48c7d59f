"""Very many models become one package: of a folder, and of a registry by their tags."""

import os
from pathlib import Path
from typing import Any

import pytest

from cli.sources.conversion_of_many import convert_many
from cli.sources.many import keyed
from cli.sources.origin import ModelSource
from cli.sources.resolve import resolve
from shared.errors import MalformedRequest, ModelNotFound
from shared.models.mlmodel import describe
from tests.app.packages import save_times
from tests.unit.cli.sources.stores import save_sklearn, tracked


def models(folder: Path, *places: str) -> Path:
    for factor, place in enumerate(places, 1):
        save_times(folder / place, factor, "carrier")
    return folder


@pytest.mark.parametrize("places", [("UA/EWR", "UA/JFK", "AA"), ("carrier=UA/origin=EWR", "carrier=UA/JFK", "AA")])
def test_a_folder_of_models_is_one_package_by_its_columns(tmp_path: Path, into: Path, places: tuple[str, ...]) -> None:
    models(tmp_path / "delays", *places)
    source = resolve("delays", into, base=tmp_path, partition_by=("carrier", "origin"))
    package = describe(source.folder, "delays", "1")
    assert package.segments is not None
    assert package.segments.columns == ("carrier", "origin")
    assert set(package.models) == {"UA/EWR", "UA/JFK", "AA"}
    assert {file.path.rpartition("/")[2] for file in package.files} == {"MLmodel", "model.onnx", "segments.yaml"}
    assert source.origin.flavors == ("onnx", "python_function")
    assert source.origin.pip_requirements == ()


def test_what_segments_yaml_says_beside_the_columns_is_kept(tmp_path: Path, into: Path) -> None:
    models(tmp_path / "delays" / "models", "UA", "other")
    (tmp_path / "delays" / "segments.yaml").write_text("segment_columns: []\nfallback: [other]\n")
    package = describe(resolve("delays", into, base=tmp_path, partition_by=("carrier",)).folder, "delays", "1")
    assert package.segments is not None
    assert (package.segments.columns, package.segments.fallback) == (("carrier",), ("other",))


@pytest.mark.parametrize(
    ("places", "message"),
    [
        (("UA/EWR/1",), "delays/UA/EWR/1 is no place for a model: its folders must be values of carrier, origin"),
        (("carrier=",), "delays/carrier= is no place for a model"),
        (("UA", "carrier=UA"), "UA and carrier=UA are both models for UA: leave one of them"),
    ],
)
def test_a_place_that_is_no_key_is_refused(tmp_path: Path, places: tuple[str, ...], message: str) -> None:
    models(tmp_path / "delays", *places)
    with pytest.raises(MalformedRequest) as caught:
        keyed(tmp_path / "delays", ("carrier", "origin"))
    assert caught.value.message.startswith(message)


def test_a_folder_of_models_without_columns_says_what_is_missing(tmp_path: Path, into: Path) -> None:
    models(tmp_path / "delays", "UA")
    with pytest.raises(MalformedRequest, match="delays holds many models: say which columns pick one, with --partiti"):
        resolve("delays", into, base=tmp_path)


def test_what_runs_in_a_process_of_its_own_keeps_its_files_and_requirements(tmp_path: Path, into: Path) -> None:
    save_trees(tmp_path / "delays" / "UA")
    source = resolve("delays", into, base=tmp_path, partition_by=("carrier",))
    assert (source.folder / "models" / "UA" / "requirements.txt").is_file()
    assert source.origin.pip_requirements[1:] == ("scikit-learn",)  # the first is MLflow itself
    assert source.origin.python_version is not None


def test_each_of_many_is_converted_and_the_largest_difference_of_all_is_told(tmp_path: Path, into: Path) -> None:
    for key in ("UA", "AA"):
        save_trees(tmp_path / "delays" / key)
    source = resolve("delays", into, base=tmp_path, partition_by=("carrier",))
    told: list[tuple[int, int]] = []
    folder, agreement = convert_many(source.folder, into, lambda *at: told.append(at))
    package = describe(folder, "delays", "1")
    assert {key: model.flavor for key, model in package.models.items()} == {"UA": "onnx", "AA": "onnx"}
    assert (agreement.rows, agreement.holds, told) == (10, True, [(1, 2), (2, 2)])
    assert [each.output for each in agreement.differences] == ["label", "probabilities"]
    (source.folder / "models" / "UA" / "input_example.json").unlink()
    with pytest.raises(MalformedRequest, match=r"^the model UA: "):
        convert_many(source.folder, into, lambda *at: None)


def save_trees(folder: Path) -> None:
    from sklearn.datasets import load_iris
    from sklearn.tree import DecisionTreeClassifier

    rows, species = load_iris(return_X_y=True, as_frame=True)
    rows = rows.astype("float32")
    save_sklearn(folder, DecisionTreeClassifier(max_depth=3).fit(rows, species), rows)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Five models of the solution `delays`, one of them with a second version, and one of another solution."""
    folder = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{folder}/mlflow.db"
    with tracked(uri) as mlflow:
        client = mlflow.MlflowClient()
        known: dict[str, tuple[float, dict[str, str]]] = {
            "delays-UA": (2.0, {"solution": "delays", "carrier": "UA"}),
            "delays-AA": (3.0, {"solution": "delays", "carrier": "AA"}),
            "delays-slash": (4.0, {"solution": "delays", "carrier": "A/B"}),
            "other": (9.0, {"solution": "other", "carrier": "UA"}),
            "untagged": (9.0, {"solution": "untagged"}),
            "twice-1": (1.0, {"solution": "twice", "carrier": "UA"}),
            "twice-2": (1.0, {"solution": "twice", "carrier": "UA"}),
            "dots": (1.0, {"solution": "dots", "carrier": ".."}),
        }
        for name, (factor, tags) in known.items():
            client.create_registered_model(name)
            register(client, folder, name, factor, tags)
        register(client, folder, "delays-UA", 20.0, known["delays-UA"][1])
        client.set_registered_model_alias("delays-UA", "champion", "1")
        client.set_registered_model_alias("delays-AA", "champion", "1")
    return uri


def register(client: Any, folder: Path, name: str, factor: float, tags: dict[str, str]) -> None:
    place = folder / f"{name}-{factor}"
    save_times(place, factor, "carrier")
    client.create_model_version(name, place.as_uri(), tags=tags)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "slipway" / "models"


def by_tags(registry: str, uri: str, into: Path) -> ModelSource:
    return resolve(uri, into, base=into, partition_by=("carrier",), tracking_uri=registry)


def content(source: ModelSource, key: str) -> bytes:
    return (source.folder / "models" / key / "model.onnx").read_bytes()


def test_models_of_a_registry_are_found_by_their_tags(registry: str, into: Path, cache: Path) -> None:
    newest = by_tags(registry, "models:/*?solution=delays", into)
    assert set(describe(newest.folder, "delays", "1").models) == {"UA", "AA", "A%2FB"}
    assert newest.origin.resolved == "models:/*?solution=delays"
    champions = by_tags(registry, "models:/*@champion?solution=delays", into)
    assert set(describe(champions.folder, "delays", "1").models) == {"UA", "AA"}
    assert content(champions, "UA") != content(newest, "UA")
    assert content(champions, "AA") == content(newest, "AA")


def test_a_version_is_fetched_once_and_forgotten_when_it_is_not_used_any_more(
    registry: str, into: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[int, int]] = []
    uri = "models:/*?solution=delays"
    resolve(uri, into, base=into, partition_by=("carrier",), tracking_uri=registry, tell=lambda *at: told.append(at))
    assert told == [(1, 3), (2, 3), (3, 3)]
    (of_set,) = cache.iterdir()
    kept = {path.name.rpartition("-")[0]: path for path in of_set.iterdir()}
    assert set(kept) == {"delays-UA-2", "delays-AA-1", "delays-slash-1"}
    old, fresh = of_set / "gone-1-1", of_set / "another-publishs"
    for each in (old, fresh):
        each.mkdir()
    os.utime(old, (0, 0))
    with monkeypatch.context() as patched:
        patched.setattr("cli.sources.registered_models.fetch", None)  # nothing is fetched again
        again = by_tags(registry, uri, into)
    assert set(describe(again.folder, "delays", "1").models) == {"UA", "AA", "A%2FB"}
    assert (old.exists(), fresh.exists()) == (False, True)


@pytest.mark.parametrize(
    ("uri", "kind", "message"),
    [
        ("models:/*?solution=none", ModelNotFound, "the registry has no model version with the tags solution = none"),
        ("models:/*@x?solution=delays", ModelNotFound, "solution = delays and the alias x"),
        ("models:/*?solution=untagged", MalformedRequest, "model untagged/1 has no tag carrier, which is to be its"),
        ("models:/*?solution=twice", MalformedRequest, "the models twice-1 and twice-2 are both for UA: keep one"),
        ("models:/*?solution=dots", MalformedRequest, "'..' cannot be the key of a model"),
        ("models:/*", MalformedRequest, "names no models: write models:/*?tag=value"),
        ("models:/*?solution", MalformedRequest, "names no models: write models:/*?tag=value"),
        ("models:/*?a='b", MalformedRequest, "names no models: write models:/*?tag=value"),
    ],
)
def test_a_set_that_cannot_be_is_refused(
    registry: str, into: Path, cache: Path, uri: str, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        by_tags(registry, uri, into)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_set_without_columns_says_what_is_missing(registry: str, into: Path) -> None:
    with pytest.raises(MalformedRequest, match="say which of their tags pick one, with --partition-by"):
        resolve("models:/*?solution=delays", into, base=into, tracking_uri=registry)
